import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/base/context.ts'
import { BlockingQuery, LONG_POLL_MS, nextIndex, queryCall } from '../../../src/consul/blocking-query.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { DevAgent } from '../../../src/devagent/dev-agent.ts'
import { NO_SETTINGS } from '../../virtual/settings.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const ctx = {} as Context

/** A query whose reads answer with these indexes, or fail at `undefined`; and from where each read waited. */
function query(answers: readonly (number | undefined)[], first?: number) {
  const left = [...answers]
  const asked: number[] = []
  const one = new BlockingQuery(async (_, { index }) => {
    asked.push(index)
    const answer = left.shift()
    if (answer === undefined) throw new Error('out of reach')
    return { index: answer }
  }, first)
  return { one, asked, next: () => one.next(ctx).catch(() => {}) }
}

describe('a blocking query', () => {
  test('answers at once first, and then waits for what comes after the answer before', async () => {
    const { asked, next } = query([7, 9, 9])
    for (let n = 0; n < 3; n++) await next()
    expect(asked).toEqual([0, 7, 9])
  })

  test('that failed begins anew: its index may belong to a past that was undone', async () => {
    const { asked, next } = query([7, undefined, 3, 4], 5)
    for (let n = 0; n < 4; n++) await next()
    expect(asked).toEqual([5, 7, 0, 3])
  })

  test('that is restarted answers at once', async () => {
    const { one, asked, next } = query([7, 8])
    await next()
    one.restart()
    await next()
    expect(asked).toEqual([0, 0])
  })
})

test.each([
  [{}, {}, false],
  [{ index: 0, waitMs: 500 }, {}, false],
  [{ consistent: true }, { consistent: true }, false],
  [{ index: 12, waitMs: LONG_POLL_MS }, { index: '12', wait: '30000ms' }, true],
  [{ index: 12, waitMs: 0 }, { index: '12', wait: '10ms' }, true],
  [{ index: 12, waitMs: 3_600_000, consistent: true }, { index: '12', wait: '60000ms', consistent: true }, true],
])('a query by %j', (options, asked, longPoll) => {
  expect(queryCall(options)).toMatchObject({ longPoll })
  expect(queryCall(options).query).toEqual(asked)
})

test.each([
  ['the next one', 12, '13', 13],
  ['the same after a wait', 12, '12', 12],
  ['an older one: start again', 12, '11', 0],
  ['0, which would never block: 1', 0, '0', 1],
])('an answer’s index is %s', (_, index, header, expected) => {
  const transport = new DevAgent({ clock: new VirtualClock(), random: () => 0.5 }).transport()
  const reply = { status: 200, headers: { 'x-consul-index': header }, text: '' }
  expect(nextIndex(new Consul(NO_SETTINGS, transport), reply, { index })).toBe(expected)
})
