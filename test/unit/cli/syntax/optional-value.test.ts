import { describe, expect, test } from 'vitest'
import { flag, option, optionalValue } from '../../../../src/cli/syntax/option.ts'
import { parse } from '../../../../src/cli/syntax/parse.ts'
import { size } from '../../../../src/cli/syntax/values.ts'

const SYNTAX = {
  summary: '',
  usage: 'consul-locker',
  epilogue: '',
  options: { healthy: optionalValue('A:', 'NAME', 'x'), other: flag('A:', 'x'), value: option('A:', 'V', 'x') },
}

describe('an option whose value may be left out', () => {
  test.each([
    [['--healthy', 'name', 'command'], '', ['name', 'command']],
    [['--healthy=web', 'name'], 'web', ['name']],
    [['--healthy', '--other', 'name'], '', ['name']],
    [['--other', 'name', '--healthy'], undefined, ['name', '--healthy']],
    [['--healthy', '--', '--healthy'], '', ['--healthy']],
    [['--healthy=true', 'name'], '', ['name']],
    [['--healthy=false', 'name'], undefined, ['name']],
  ])('in %j is %j, and leaves %j', (words, value, rest) => {
    const parsed = parse(SYNTAX, words, {})
    expect(parsed.options.healthy).toBe(value)
    expect(parsed.words).toEqual(rest)
  })

  test.each([
    ['true', ''],
    ['web', 'web'],
    ['0', undefined],
  ])('is %s in the environment, and means %j', (given, value) => {
    expect(parse(SYNTAX, ['name'], { CONSUL_LOCKER_HEALTHY: given }).options.healthy).toBe(value)
  })
})

describe('a size', () => {
  test.each([
    ['500', 500],
    ['1k', 1024],
    ['10M', 10 * 1024 ** 2],
    ['2g', 2 * 1024 ** 3],
  ])('of %s is %d bytes', (text, bytes) => expect(size(text, 'tee-size')).toBe(bytes))

  test.each(['', '0', '-1', '1.5M', '10MB', 'M', '9999999999G'])('is not %j', (text) => {
    expect(() => size(text, 'tee-size')).toThrow('is not a size')
  })
})
