import { describe, expect, test } from 'vitest'
import { ERRANDS, forErrand, takeErrand } from '../../../src/child/errands.ts'

describe('an errand', () => {
  test.each(ERRANDS)('%s is taken from those whom our own processes sent, once', (errand) => {
    const environment = forErrand(errand, { A: '1' })
    expect(takeErrand(errand, environment)).toBe(errand)
    expect(environment).toEqual({ A: '1' })
    expect(takeErrand(errand, environment)).toBeUndefined()
  })

  test.each(ERRANDS)('is not taken from a mere word, or another one: %s', (errand) => {
    expect(takeErrand(errand, {})).toBeUndefined()
    for (const other of ['name', undefined, ...ERRANDS.filter((other) => other !== errand)]) {
      const environment = forErrand(errand, {})
      expect(takeErrand(other, environment)).toBeUndefined()
      expect(environment).toEqual({})
    }
  })
})
