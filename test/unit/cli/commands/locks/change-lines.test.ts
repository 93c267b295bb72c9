import { expect, test } from 'vitest'
import { ChangeLines } from '../../../../../src/cli/commands/locks/change-lines.ts'
import type { LocksView, LockView } from '../../../../../src/overview/lock-view.ts'

const AT = Date.parse('2026-11-29T03:00:00Z')
const lock = (about: Partial<LockView> = {}): LockView => ({
  ...{ name: 'db', key: 'consul-locker-db', kind: 'lock', limit: 1, holders: [], waiters: [], runs: {} },
  ...about,
})
const holder = { host: 'web3', user: 'root', command: ['./run'], session: 's', fence: 1, isKept: false }
const waiter = { session: 't', isForMore: false }
const view = (...locks: LockView[]): LocksView => ({ locks, unseen: [], atMs: AT })

test('each change is one line, and a reading without one is none', () => {
  const changes = new ChangeLines(false)
  const last = { runId: 'r', host: 'web3', user: 'root', command: 'x', start: '2026-11-29T02:59:00Z', ranMs: 1000 }
  const lines = [
    view(lock({ holders: [holder] }), lock({ name: 'free', key: 'consul-locker-free' })),
    view(lock({ holders: [holder] })),
    view(lock({ holders: [holder], waiters: [waiter, waiter] })),
    view(lock({ left: { host: 'web3' }, closure: { places: 1, untilMs: AT + 9000 } })),
    view(lock({ left: { host: 'web3' }, closure: { places: 1, untilMs: AT + 8000 } })),
    view(lock({ runs: { last: { ...last, code: 3 } } })),
    view(),
    view(lock({ runs: { last: { ...last, code: 0 } } })),
    view(),
    { ...view(), pause: { pause: { until: '2026-11-29T05:00:00Z', since: '2026-11-29T03:00:00Z', by: 'root@web1' } } },
    view(),
  ].flatMap((one) => changes.of(one).map((line) => line.replace('2026-11-29T03:00:00Z ', '')))
  expect(lines).toEqual([
    'db: held by web3 root ./run',
    'consul-locker-free is free',
    'db: held by web3 root ./run, 2 wait',
    'db: closed, web3 never gave it back',
    'db: free, last run exit 3 on web3 at 2026-11-29T02:59:01Z',
    'consul-locker-db is free',
    'db: free, last run ok on web3 at 2026-11-29T02:59:01Z',
    'consul-locker-db is free',
    'all locks are paused until 2026-11-29T05:00:00Z',
    'no pause of all locks is on',
  ])
})

test('programs get each lock that has changed as JSON, the free ones at first, too', () => {
  const changes = new ChangeLines(true)
  const first = changes.of(view(lock({ holders: [holder] }), lock({ name: 'free', key: 'consul-locker-free' })))
  expect(first.map((line) => JSON.parse(line))).toMatchObject([
    { at: '2026-11-29T03:00:00.000Z', name: 'db', state: 'held', holders: [{ host: 'web3' }] },
    { name: 'free', state: 'free' },
  ])
  expect(changes.of(view(lock({ holders: [holder] }))).map((line) => JSON.parse(line))).toEqual([
    { at: '2026-11-29T03:00:00.000Z', key: 'consul-locker-free', state: 'free' },
  ])
})

test('what others wrote stays on its line', () => {
  const [line] = new ChangeLines(false).of(view(lock({ holders: [{ ...holder, host: 'a\nb\u001b[2J' }] })))
  expect(line).toBe('2026-11-29T03:00:00Z db: held by a\\nb\\u001b[2J root ./run')
})

test('a run that no date is late enough for is told of, too', () => {
  const start = '+275760-09-13T00:00:00.000Z'
  const last = { runId: 'r', host: 'web3', user: 'root', command: 'x', start, ranMs: Number.MAX_SAFE_INTEGER, code: 3 }
  const [line] = new ChangeLines(false).of(view(lock({ left: {}, runs: { last } })))
  expect(line).toContain('last run exit 3 on web3 at +275760-09-13T00:00:00Z')
})
