import { describe, expect, test } from 'vitest'
import { shortfall } from '../../../../../src/leader/application/note.ts'
import { newToken, ownData, parseToken, tokenText } from '../../../../../src/leader/application/redis/data-token.ts'
import { parseInfo } from '../../../../../src/leader/application/redis/redis-state.ts'

const A = 'a'.repeat(40)
const B = 'b'.repeat(40)
const NOTE = { node: 'n1', history: A, position: 1000n, slack: 0n, token: 'of-the-note' }
const RESTARTED = { ...parseInfo('', 0), data: [{ history: B, position: 0n }] }

const token = (position: bigint, id = 'another') => ({ history: A, position, id })
const lack = (own: ReturnType<typeof token> | undefined, note = NOTE, state = RESTARTED) =>
  shortfall(ownData(state, own, note), note)

describe('a Redis that has forgotten its history', () => {
  test('has all that was noted when the note’s own token is among its data', () => {
    expect(lack(token(950n, NOTE.token))).toBeUndefined()
  })

  test('has what an older token says, and no more', () => {
    expect(lack(token(950n))).toContain('at 950')
    expect(lack(token(950n), { ...NOTE, slack: 50n })).toBeUndefined()
    expect(lack(token(949n), { ...NOTE, slack: 50n })).toContain('at 949')
  })

  test('that was emptied has nothing, however little was noted', () => {
    expect(lack(undefined, { ...NOTE, position: 10n, slack: 1_000_000n })).toContain("don't go on")
  })

  test('with data of another history is none of ours', () => {
    expect(lack({ history: B, position: 5000n, id: 'x' })).toContain("don't go on")
  })
})

test('a Redis that has run all the time counts by its position', () => {
  const running = { ...RESTARTED, data: [{ history: A, position: 1000n }] }
  expect(lack(token(10n), NOTE, running)).toBeUndefined()
  expect(lack(token(10n), NOTE, { ...running, data: [{ history: A, position: 999n }] })).toContain('at 999')
})

test('a token is read as it was written, and nothing else is one', () => {
  const written = newToken({ history: A, position: 12n })
  expect(parseToken(tokenText(written))).toEqual(written)
  for (const text of ['', 'x', `${A} 12`, `${A} -1 ${written.id}`, `${tokenText(written)} `])
    expect(parseToken(text)).toBeUndefined()
})
