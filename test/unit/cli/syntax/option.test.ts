import { describe, expect, test } from 'vitest'
import { flag, option, repeatable, valuesOf } from '../../../../src/cli/syntax/option.ts'
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
