import { describe, expect, test } from 'vitest'
import { ConnectionLimiter } from '../../../src/listen/connection-limiter.ts'
import { peerOf } from '../../../src/listen/peer.ts'

describe('a limit of connections', () => {
  test('lets go the one of a peer that is idle the longest, and leaves the others of other peers', () => {
    const limiter = new ConnectionLimiter<string>({ all: 10, perPeer: 2 })
    expect([limiter.admit('other', 'B'), limiter.admit('a1', 'A'), limiter.admit('a2', 'A')]).toEqual(
      Array(3).fill(undefined),
    )
    expect(limiter.admit('a3', 'A')).toBe('a1')
    limiter.begin('a2')
    limiter.end('a2')
    expect(limiter.admit('a4', 'A')).toBe('a3')
  })

  test('never lets go one that is being answered, and turns away a newcomer instead', () => {
    const limiter = new ConnectionLimiter<string>({ all: 10, perPeer: 2 })
    for (const one of ['a1', 'a2']) {
      limiter.admit(one, 'A')
      limiter.begin(one)
    }
    expect(limiter.admit('a3', 'A')).toBe('a3')
    limiter.leave('a1')
    expect(limiter.admit('a3', 'A')).toBeUndefined()
    expect(limiter.admit('a4', 'A')).toBe('a3')
  })

  test('lets a stream go, which is being answered for as long as its reader likes, before it turns a newcomer away', () => {
    const limiter = new ConnectionLimiter<string>({ all: 10, perPeer: 2 })
    for (const one of ['stream', 'answered']) {
      limiter.admit(one, 'A')
      limiter.begin(one)
    }
    limiter.stream('stream')
    expect(limiter.isBusy('stream')).toBe(true)
    expect(limiter.admit('a3', 'A')).toBe('stream')
  })

  test('has an end for all peers together', () => {
    const limiter = new ConnectionLimiter<number>({ all: 100, perPeer: 10 })
    for (let n = 0; n < 100; n++) expect(limiter.admit(n, `peer ${n}`)).toBeUndefined()
    expect(limiter.admit(100, 'another')).toBe(0)
    expect(limiter.admit(101, 'peer 5')).toBe(1)
  })
})

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['127.0.0.1', '127.0.0.0/8'],
  ['::ffff:127.1.2.3', '127.0.0.0/8'],
  ['2001:db8:0:7:1:2:3:4', '2001:db8:0:7::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0DB8::7:1:2:3:4', '2001:db8:0:7::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['', ''],
])('%s is counted as %s', (address, peer) => expect(peerOf(address)).toBe(peer))
