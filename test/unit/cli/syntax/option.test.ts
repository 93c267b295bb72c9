import { describe, expect, test } from 'vitest'
import { flag, option, optionalValue, repeatable, valuesOf } from '../../../../src/cli/syntax/option.ts'
import { parse } from '../../../../src/cli/syntax/parse.ts'
import { duration, exitCode, text, wholeNumber } from '../../../../src/cli/syntax/values.ts'

describe('an option', () => {
  const OPTIONS = {
    yes: flag('Group:', 'a yes or no'),
    some: option('Group:', 'TEXT', 'a text'),
    other: option('Group:', 'TEXT', 'a text with a default', text, 'usual'),
    wait: option('Group:', 'TIME', 'a duration', duration),
    limit: option('Group:', 'TIME', 'a duration with a default', duration, '90s'),
    port: option('Group:', 'N', 'a number', wholeNumber(1, 65_535)),
    code: option('Group:', 'N', 'an exit code', exitCode),
    all: repeatable('Group:', 'TEXT', 'texts'),
  }

  test('that was not given has its default, or none', () => {
    expect(valuesOf(OPTIONS, {})).toEqual({
      yes: false,
      some: undefined,
      other: 'usual',
      wait: undefined,
      limit: 90_000,
      port: undefined,
      code: undefined,
      all: [],
    })
  })

  test('that was given has the value that its text means', () => {
    const given = {
      yes: true,
      some: '',
      other: 'x',
      wait: '1.5m',
      limit: '0',
      port: '80',
      code: '255',
      all: ['a', 'b'],
    }
    expect(valuesOf(OPTIONS, given)).toEqual({ ...given, wait: 90_000, limit: 0, port: 80, code: 255 })
  })

  test.each([
    ['wait', 'soon', '--wait "soon" is not a duration'],
    ['limit', '-1s', '--limit "-1s" is not a duration'],
    ['port', '0', '--port "0" is no number from 1 to 65535'],
    ['port', '1e3', '--port "1e3" is no number from 1 to 65535'],
    ['code', '256', '--code "256" is not an exit code'],
  ] as const)('--%s %s is refused when it is asked for, and not before', (name, value, sentence) => {
    const options = valuesOf(OPTIONS, { [name]: value })
    expect(options.some).toBeUndefined()
    expect(() => options[name]).toThrow(sentence)
  })
})

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
