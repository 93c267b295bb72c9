import type { Lanes } from './lanes.ts'

/** First come, first served, and a release wakes one. */
export const QUEUE: Lanes = {
  title: 'Four machines in line for a lock',
  key: { runs: 'its command runs', waits: 'waits' },
  lanes: [
    { title: 'web1', stretches: [['runs', 0, 10]] },
    {
      title: 'web2',
      stretches: [
        ['waits', 2, 10.15],
        ['runs', 10.15, 18],
      ],
    },
    {
      title: 'web3',
      stretches: [
        ['waits', 4, 18.15],
        ['runs', 18.15, 27],
      ],
    },
    {
      title: 'web4',
      stretches: [
        ['waits', 6, 27.15],
        ['runs', 27.15, 32],
      ],
    },
  ],
  marks: [
    { at: 2, text: 'web2 comes, and stands in line; web3 and web4 come after it' },
    { at: 10, text: 'web1 ends and gives the lock back: web2 alone is woken, web3 and web4 go on waiting' },
    { at: 18, text: 'web2 ends: web3 is woken' },
    { at: 27, text: 'web3 ends: web4 is woken' },
  ],
  arrows: [
    { at: 10, from: 0, to: 1 },
    { at: 18, from: 1, to: 2 },
    { at: 27, from: 2, to: 3 },
  ],
}
