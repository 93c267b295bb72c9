import { describe, expect, test } from 'vitest'
import { RUN_SYNTAX } from '../../../../src/cli/commands/run/syntax.ts'
import { checkWord, isBareFlag, spelt } from '../../../../src/cli/syntax/spelling.ts'

describe('a word', () => {
  test.each([
    ['--no-wait', '--no-wait=true'],
    ['--no-wait=0', '--no-wait=false'],
    ['--no-wait=maybe', '--no-wait=true'],
    ['-qn', '-qn=true'],
    ['-qn=F', '-qn=false'],
    ['-w90s', '-w=90s'],
    ['-w=90s', '-w=90s'],
    ['-qE75', '-qE=75'],
    ['-E', '-E'],
    ['--wait', '--wait'],
    ['--wait=1', '--wait=1'],
    ['--require-healthy', '--require-healthy=\0'],
    ['--require-healthy=web', '--require-healthy=web'],
    ['--nope=1', '--\0='],
    ['-x', '--\0='],
    ['---', '--\0='],
    ['--', '--'],
    ['-', '-'],
    ['-5', '-5'],
    ['-.5', '-.5'],
    ['name', 'name'],
    ['', ''],
  ])('%j reaches the parser as %j', (word, arrives) => {
    expect(spelt(RUN_SYNTAX, word)).toBe(arrives)
  })

  test.each(['--no-wait', '-qn', '-n=1', '--wait=x', '-w90s', '--', '-5', 'name'])('%j is as it should be', (word) => {
    expect(() => checkWord(RUN_SYNTAX, word)).not.toThrow()
  })

  test.each(['--no-wait=', '-n=yes', '-n5', '-nx', '--nope', '---'])('%j is refused', (word) => {
    expect(() => checkWord(RUN_SYNTAX, word)).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  test.each([
    ['--no-wait', true],
    ['-qn', true],
    ['-n=1', false],
    ['--wait', false],
    ['-qE', false],
    ['name', false],
  ])('%j is a yes or no without a value: %j', (word, isBare) => expect(isBareFlag(RUN_SYNTAX, word)).toBe(isBare))
})
