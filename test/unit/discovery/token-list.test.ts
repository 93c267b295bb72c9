import { describe, expect, test } from 'vitest'
import {
  canonicalServer,
  newTokenRecord,
  parsePublication,
  parseTokenRecord,
  tokenRecordText,
  unexpired,
  withServers,
} from '../../../src/discovery/token-list.ts'

const list = new Map([
  ['10.0.0.1:8300', 1000],
  ['10.0.0.2:8300', 2000],
])

describe('the list of a token', () => {
  test('forgets what has expired', () => {
    expect([...unexpired(list, 999).keys()]).toEqual(['10.0.0.1:8300', '10.0.0.2:8300'])
    expect([...unexpired(list, 1000).keys()]).toEqual(['10.0.0.2:8300'])
    expect(unexpired(new Map([['10.0.0.1:8300', 1e300]]), 1000).size).toBe(0)
  })

  test('is added to, and what is published again gets its time anew', () => {
    expect(withServers(list, ['10.0.0.2:8300', '10.0.0.3:8300'], 3000)).toEqual(
      new Map([...list, ['10.0.0.2:8300', 3000], ['10.0.0.3:8300', 3000]]),
    )
  })

  test('has an end', () => {
    const servers = Array.from({ length: 16 }, (_, n) => `10.0.1.${n}:1`)
    expect(withServers(new Map(), servers, 1).size).toBe(16)
    expect(() => withServers(list, servers, 1)).toThrow('that would be 18 servers under one token; 16 are the most')
  })

  test('is read as it was written', () => {
    for (const record of [newTokenRecord(list, undefined, 5), newTokenRecord(new Map(), undefined, 5)]) {
      expect(parseTokenRecord('k', tokenRecordText(record))).toEqual(record)
    }
  })

  test('remembers since when it has been empty', () => {
    const empty = newTokenRecord(new Map(), newTokenRecord(list, undefined, 5), 7)
    expect(empty.idleSinceMs).toBe(7)
    expect(newTokenRecord(new Map(), empty, 9).idleSinceMs).toBe(7)
    expect(newTokenRecord(list, empty, 9).idleSinceMs).toBeUndefined()
  })

  test('is read without what is no server in it', () => {
    const servers = { '0.0.0.0:1': 1, 'a; reboot': 1, '10.0.0.1:1': 'soon', '[FD00:0::1]:1': 2, '10.0.0.2:1': null }
    expect(parseTokenRecord('k', JSON.stringify({ servers })).servers).toEqual(new Map([['[fd00::1]:1', 2]]))
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`10.0.1.${n % 200}:${n + 1}`, 1]))
    expect(parseTokenRecord('k', JSON.stringify({ servers: many })).servers.size).toBe(16)
  })

  test.each(['', '[]', 'null', '{}', '{"servers": null}', '{"servers": {}, "idleSince": "x"}', '['.repeat(150_000)])(
    'is not %j',
    (text) => {
      expect(() => parseTokenRecord('k', text)).toThrow('what stands at the key k is no list of servers')
    },
  )
})

describe('a publication', () => {
  test('has one form for each server', () => {
    expect(parsePublication('["10.0.0.1:8300", "[FD00::1]:8300"]')).toEqual(['10.0.0.1:8300', '[fd00::1]:8300'])
    expect(canonicalServer('[fd00:0:0:0::0001]:1')).toBe('[fd00::1]:1')
    expect(canonicalServer('[::ffff:10.0.0.1]:1')).toBe('10.0.0.1:1')
    expect(canonicalServer('[::ffff:a00:1]:1')).toBe('10.0.0.1:1')
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
    '0.0.0.0:1',
    '[::]:1',
    '[0::0]:1',
    '[::ffff:0.0.0.0]:1',
    '224.0.0.1:1',
    '255.255.255.255:1',
    '[ff02::1]:1',
    '[fe80::1%eth0]:1',
    '',
    1,
    null,
    {},
  ])('has no server %j', (server) => expect(() => canonicalServer(server)).toThrow(/ is no server$/))
})
