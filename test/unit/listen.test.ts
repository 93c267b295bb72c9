import { describe, expect, test } from 'vitest'
import { Crowd } from '../../src/listen/crowd.ts'
import { peerOf } from '../../src/listen/peer.ts'

describe('a crowd of connections', () => {
  test('lets go the one of a peer that is idle the longest, and leaves the others of other peers', () => {
    const crowd = new Crowd<string>({ all: 10, perPeer: 2 })
    expect([crowd.admit('other', 'B'), crowd.admit('a1', 'A'), crowd.admit('a2', 'A')]).toEqual(
      Array(3).fill(undefined),
    )
    expect(crowd.admit('a3', 'A')).toBe('a1')
    crowd.begin('a2')
    crowd.end('a2')
    expect(crowd.admit('a4', 'A')).toBe('a3')
  })

  test('never lets go one that is being answered, and turns away a newcomer instead', () => {
    const crowd = new Crowd<string>({ all: 10, perPeer: 2 })
    for (const one of ['a1', 'a2']) {
      crowd.admit(one, 'A')
      crowd.begin(one)
    }
    expect(crowd.admit('a3', 'A')).toBe('a3')
    crowd.leave('a1')
    expect(crowd.admit('a3', 'A')).toBeUndefined()
    expect(crowd.admit('a4', 'A')).toBe('a3')
  })

  test('has an end for all peers together', () => {
    const crowd = new Crowd<number>({ all: 100, perPeer: 10 })
    for (let n = 0; n < 100; n++) expect(crowd.admit(n, `peer ${n}`)).toBeUndefined()
    expect(crowd.admit(100, 'another')).toBe(0)
    expect(crowd.admit(101, 'peer 5')).toBe(1)
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
