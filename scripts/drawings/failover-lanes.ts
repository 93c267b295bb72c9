import type { Lanes } from './lanes.ts'

/** The times of a leader's default timeouts, in seconds. */
export const LEADER_TIMES = { ttl: 10, grace: 11, lockDelay: 25 } as const

const { ttl, grace, lockDelay } = LEADER_TIMES
/** Consul may take twice the TTL to let a session expire. */
const expires = 2 * ttl
const opens = expires + lockDelay

/** A master that is cut off from Consul. */
export const FAILOVER: Lanes = {
  title: 'A master is cut off, and another node takes over',
  key: { runs: 'master', ends: 'demoted, else fenced', lives: 'held by a session', closed: 'closed (lock-delay)' },
  lanes: [
    {
      title: 'node1',
      stretches: [
        ['runs', -2, ttl],
        ['ends', ttl, ttl + grace],
      ],
    },
    {
      title: 'the lock',
      stretches: [
        ['lives', -2, expires],
        ['closed', expires, opens],
        ['lives', opens, opens + 8],
      ],
    },
    { title: 'node2', stretches: [['runs', opens + 0.5, opens + 8]] },
  ],
  marks: [
    { at: 0, when: '0s', text: 'the last renewal of node1 that Consul answers; then node1 is cut off' },
    {
      at: ttl,
      when: `${ttl}s`,
      text: `its lease is over: within ${grace}s its agent has demoted it, or else fenced it`,
    },
    { at: expires, when: `${expires}s`, text: 'Consul lets its session expire, at the latest; the lock-delay begins' },
    { at: opens, when: `${opens}s`, text: 'the lock opens: node2 takes it, is promoted, and gets the tag master' },
  ],
}
