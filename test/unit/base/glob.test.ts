import { expect, test } from 'vitest'
import { Glob } from '../../../src/base/glob.ts'

test.each<[string, string[], string[]]>([
  ['backup', ['backup'], ['backup2', 'my-backup', '']],
  ['backup*', ['backup', 'backup-db', 'backup/a/b'], ['my-backup']],
  ['*db*', ['db', 'a-db-b'], ['d-b']],
  ['*a*b*c', ['abc', 'xaxbxc', 'aabbcc'], ['acb', 'abcd']],
  ['web?', ['web1', 'web3'], ['web', 'web10']],
  ['web[1-3]', ['web1', 'web3'], ['web4', 'web[1-3]']],
  ['web[!1-3]', ['web4'], ['web1', 'web']],
  ['web[]x]', ['web]', 'webx'], ['web']],
  ['web[', ['web['], ['web']],
  ['a\\*b', ['a*b'], ['axb']],
  ['*', ['', 'anything', 'a\nb'], []],
  ['', [''], ['a']],
])('%s matches all of a text, or nothing', (pattern, matching, others) => {
  const glob = new Glob(pattern)
  expect(matching.filter((text) => !glob.matches(text))).toEqual([])
  expect(others.filter((text) => glob.matches(text))).toEqual([])
})

test.each([
  ['backup', 'backup', true],
  ['backup-*', 'backup-', false],
  ['a\\*b*', 'a*b', false],
  ['*', '', false],
])('%s says what its texts begin with', (pattern, head, isPlain) => {
  expect(new Glob(pattern)).toMatchObject({ head, isPlain })
})

test('many stars take no time that grows beyond all measure', () => {
  expect(new Glob(`${'*a'.repeat(50)}*b`).matches('a'.repeat(20_000))).toBe(false)
})
