import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/consul/kv.ts'
import { QueueTicket } from '../../../src/lock/queue-ticket.ts'

const SINCE = 100

function holder(value: object, modifyIndex = 200): Entry {
  const at = { createIndex: 1, modifyIndex, lockIndex: 1, flags: 0n, session: 's' }
  return { key: 'k', value: JSON.stringify({ host: 'web3', ...value }), ...at }
}

describe('a number in line', () => {
  test.each([
    ['all who came before, when the holder was there before any of them', 7, holder({}, 99), 6],
    ['whatever turn the holder had in an earlier line', 7, holder({ turn: 57 }, 99), 6],
    ['those who came after the holder', 7, holder({ turn: 3 }), 3],
    ['by the fence, not by who has written the key since', 7, holder({ turn: 3, fence: 99 }, 200), 6],
  ])('counts %s', (_, number, entry, ahead) => {
    expect(new QueueTicket(number, SINCE).ahead(entry)).toBe(ahead)
  })

  test.each([
    ['one that tells nothing', holder({})],
    ['one that tells rubbish', holder({ turn: '3' })],
    ['one that came behind us', holder({ turn: 8 })],
    ['one that came right before us, behind whom nobody can stand', holder({ turn: 6 })],
    ['one that is ourselves', holder({ turn: 7 })],
  ])('doesn’t count behind %s', (_, entry) => {
    expect(new QueueTicket(7, SINCE).ahead(entry)).toBeUndefined()
  })

  test('leaves out those of whom a count has shown that they are gone, ever after', () => {
    const ticket = new QueueTicket(7, SINCE)
    ticket.counted(4, holder({}, 99))
    expect(ticket.ahead(holder({}, 99))).toBe(4)
    expect(ticket.ahead(holder({ turn: 3 }))).toBe(1)
    ticket.counted(1, holder({}))
    expect(ticket.ahead(holder({}, 99))).toBe(4)
  })

  test('makes nobody of those who were counted behind a holder whose turn isn’t known to be over', () => {
    const ticket = new QueueTicket(7, SINCE)
    ticket.counted(9, holder({}, 99))
    expect(ticket.ahead(holder({}, 99))).toBe(6)
  })
})
