import { describe, expect, test } from 'vitest'
import { requestedRun } from '../../../../../src/cli/commands/run/requested-run.ts'
import { RUN_SYNTAX } from '../../../../../src/cli/commands/run/syntax.ts'
import { parse } from '../../../../../src/cli/syntax/parse.ts'

describe('a command behind the name', () => {
  const nobody = () => ({ host: 'here', pid: 1, user: 'somebody' })
  const command = (...words: string[]) => requestedRun(parse(RUN_SYNTAX, words, {}), {}, nobody).command

  test.each([
    [
      ['-c', 'a; b'],
      ['/bin/sh', '-c', 'a; b'],
    ],
    [
      ['--command', 'a'],
      ['/bin/sh', '-c', 'a'],
    ],
    [
      ['-c', '-c'],
      ['/bin/sh', '-c', '-c'],
    ],
    [
      ['--', '-c', 'a'],
      ['-c', 'a'],
    ],
    [
      ['--', '--', 'a'],
      ['--', 'a'],
    ],
    [
      ['sh', '-c', 'a', 'b'],
      ['sh', '-c', 'a', 'b'],
    ],
    [['-x'], ['-x']],
  ])('%j is %j', (words, expected) => {
    expect(command('name', ...words)).toEqual(expected)
  })

  test.each([[['-c']], [['-c', 'a', 'b']], [['--command', 'a', 'b']]])('%j is no line for the shell', (words) => {
    expect(() => command('name', ...words)).toThrow(/^(-c|--command) takes one line for the shell$/)
  })
})
