import { describe, expect, test } from 'vitest'
import { size } from '../../../../src/cli/syntax/values.ts'

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
