import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { RateLimit } from '../../src/discovery/rate-limit.ts'
import { canonical, listText, living, merged, parseList, parsePublication } from '../../src/discovery/token-list.ts'

const list = new Map([
  ['10.0.0.1:8300', 1000],
  ['10.0.0.2:8300', 2000],
])

describe('the list of a token', () => {
  test('forgets what has expired', () => {
    expect([...living(list, 999).keys()]).toEqual(['10.0.0.1:8300', '10.0.0.2:8300'])
    expect([...living(list, 1000).keys()]).toEqual(['10.0.0.2:8300'])
  })

  test('is added to, and what is published again gets its time anew', () => {
    expect(merged(list, ['10.0.0.2:8300', '10.0.0.3:8300'], 3000)).toEqual(
      new Map([...list, ['10.0.0.2:8300', 3000], ['10.0.0.3:8300', 3000]]),
    )
  })

  test('has an end', () => {
    const servers = Array.from({ length: 256 }, (_, n) => `10.0.1.${n}:1`)
    expect(merged(new Map(), servers, 1).size).toBe(256)
    expect(() => merged(list, servers, 1)).toThrow('that would be 258 servers under one token; 256 are the most')
  })

  test('is read as it was written', () => expect(parseList('k', listText(list))).toEqual(list))

  test.each(['', '[]', 'null', '{}', '{"servers": {"a": "b"}}', '{"servers": null}'])('is not %j', (text) => {
    expect(() => parseList('k', text)).toThrow('what stands at the key k is no list of servers')
  })
})

describe('a publication', () => {
  test('has one form for each server', () => {
    expect(parsePublication('["10.0.0.1:8300", "[FD00::1]:8300"]')).toEqual(['10.0.0.1:8300', '[fd00::1]:8300'])
  })
  test.each([
    '10.0.0.1',
    '10.0.0.1:0',
    '10.0.0.1:65536',
    '10.0.0:1',
    '10.0.0.256:1',
    '[10.0.0.1]:1',
    'fd00::1:1',
    '[x]:1',
    'a:1',
    ' 10.0.0.1:1',
    '',
    1,
    null,
    {},
  ])('has no server %j', (server) => expect(() => canonical(server)).toThrow(/ is no server$/))
})

describe('the limit of requests', () => {
  function limited(perSecond: number) {
    const now = { monotonicMs: 0, wallMs: 0 }
    const limit = new RateLimit({ now: () => ({ ...now }) } as Clock, perSecond)
    const allowed = (client: string, count: number) =>
      Array.from({ length: count }, () => limit.allows(client)).filter(Boolean).length
    return { now, allowed }
  }

  test('lets a burst pass, and then so many a second', () => {
    const { now, allowed } = limited(2)
    expect(allowed('a', 100)).toBe(6)
    now.monotonicMs += 1000
    expect(allowed('a', 100)).toBe(2)
    now.monotonicMs += 3_600_000
    expect(allowed('a', 100)).toBe(6)
  })

  test('holds for each client, and may be off', () => {
    const { allowed } = limited(1)
    expect([allowed('a', 9), allowed('b', 9)]).toEqual([3, 3])
    expect(limited(0).allowed('a', 1000)).toBe(1000)
  })

  test('holds for a client while ten thousand others come and go', () => {
    const { now, allowed } = limited(1)
    for (let n = 0; n < 20_000; n++) {
      now.monotonicMs += 1
      allowed(`client ${n}`, 1)
      if (n % 100 === 0) allowed('a', 100)
    }
    expect(allowed('a', 100)).toBe(0)
  })
})
