import { expect, test } from 'vitest'
import { prefixesOf } from '../../../src/overview/lock-request.ts'

test.each([
  [undefined, ''],
  ['backup-*', 'backup-'],
  ['site/a*', 'site/a'],
  ['/', ''],
  ['//x', ''],
  ['a//b', 'a/'],
  ['a/../b', 'a/'],
  ['a/.', 'a/'],
  ['a/.b', 'a/.b'],
])('of the pattern %s the keys begin so that Consul takes them as they are', (pattern, head) => {
  expect(prefixesOf({ pattern })).toEqual([`consul-locker-${head}`, `lock/${head}`])
})
