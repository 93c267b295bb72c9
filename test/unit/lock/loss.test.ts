import { describe, expect, test } from 'vitest'
import { DEADLINE_PASSED, fateOf, Loss, lossIn, unguarded, whenLost } from '../../../src/lock/loss.ts'

describe('who listens to a loss', () => {
  test('hears of it once, and at once when it is there', () => {
    const hold = new AbortController()
    const heard: Loss[] = []
    whenLost(hold.signal, (loss) => void heard.push(loss))
    expect(heard).toEqual([])
    hold.abort(DEADLINE_PASSED)
    hold.signal.dispatchEvent(new Event('abort'))
    expect(heard).toEqual([DEADLINE_PASSED])
    whenLost(hold.signal, (loss) => void heard.push(loss))
    expect(heard).toEqual([DEADLINE_PASSED, DEADLINE_PASSED])
  })
})

test('a hold that tells of anything else is a fault of ours', () => {
  expect(() => lossIn(AbortSignal.abort(new Error('else')))).toThrow('a hold tells of losses alone')
})

test('a lock that can’t be guarded is given up, and any other loss is a loss', () => {
  const loss = unguarded(AbortSignal.abort(new Error('no guardian')))
  expect(loss).toMatchObject({ kind: 'unguarded', sentence: 'no guardian' })
  expect(fateOf(loss)).toBe('given up')
  expect(fateOf(DEADLINE_PASSED)).toBe('lost')
  expect(fateOf(new Loss('key-taken', 'x'))).toBe('lost')
})
