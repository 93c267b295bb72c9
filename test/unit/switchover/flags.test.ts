import { describe, expect, test } from 'vitest'
import { parseFlag } from '../../../src/switchover/flags.ts'

describe('a flag', () => {
  test('that is absent is NULL', () => expect(parseFlag('k', undefined)).toEqual({ value: 'NULL', index: 0 }))
  test('may end with a newline', () => expect(parseFlag('k', { value: 'WAIT\n', modifyIndex: 4 }).value).toBe('WAIT'))
  test('is one of three words', () => {
    expect(() => parseFlag('k', { value: 'start', modifyIndex: 4 })).toThrow('"start" at k is no flag')
  })
})
