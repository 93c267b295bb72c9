import { expect, test } from 'vitest'
import { locksJson } from '../../../../../src/cli/commands/locks/locks-json.ts'
import { locksLines, waitersLines } from '../../../../../src/cli/commands/locks/locks-table.ts'
import type { HolderView, LocksView, LockView, WaiterView } from '../../../../../src/overview/lock-view.ts'

const NOW = Date.parse('2026-11-29T03:00:00Z')
const session = '9ab98b35-3735-4010-a43b-bfe24e300793'
const ago = (seconds: number) => NOW - seconds * 1000
const start = (seconds: number) => new Date(ago(seconds)).toISOString()

const holder = (about: Partial<HolderView> = {}): HolderView => ({
  ...{ host: 'web3', user: 'root', pid: 812, command: ['./bootstrap.sh'], sinceMs: ago(252), runId: 'r' },
  ...{ session, fence: 88_123, isKept: false, lockDelayMs: 24_000 },
  ...about,
})
const waiter = (about: Partial<WaiterView> = {}): WaiterView => ({
  ...{
    host: 'web1',
    user: 'root',
    pid: 4711,
    command: ['./bootstrap.sh'],
    sinceMs: ago(30),
    session,
    isForMore: false,
  },
  ...about,
})
const lock = (name: string, about: Partial<LockView> = {}): LockView => ({
  ...{ name, key: `consul-locker-${name}`, kind: 'lock', limit: 1, holders: [], waiters: [], runs: {} },
  ...about,
})
const run = { runId: 'r', host: 'web3', user: 'root', command: 'sh' }
const view = (...locks: LockView[]): LocksView => ({ locks, unseen: [], atMs: NOW })

const ALL = view(
  lock('backup', {
    holders: [holder()],
    waiters: [waiter(), waiter({ host: 'web2', sinceMs: ago(12) })],
    runs: { last: { ...run, start: start(86_652), ranMs: 252_000, code: 0 } },
  }),
  lock('cleanup', { left: { host: 'web7' }, runs: { last: { ...run, start: start(7200), lost: 'unknown' } } }),
  lock('deploy', { left: { host: 'web1' }, closure: { places: 1, untilMs: NOW + 21_400 } }),
  lock('hand-made', { kind: 'data', trouble: 'consul-locker-hand-made holds data, and no lock' }),
  lock('index', {
    kind: 'readers',
    limit: Number.POSITIVE_INFINITY,
    holders: [holder({ host: 'web1', sinceMs: ago(3) }), holder(), holder()],
  }),
  lock('migrate', {
    pause: {
      pause: { until: '2026-11-29T05:00:00Z', since: start(60), by: 'root@web2', reason: 'the database moves' },
    },
    runs: { last: { ...run, start: start(200_000), ranMs: 1000, code: 3 } },
  }),
  lock('mysql', { kind: 'leader', key: 'lock/mysql/leader' }),
  lock('redis', { kind: 'leader', holders: [holder({ host: 'redis1', command: ['leader', 'redis'], fence: 12 })] }),
  lock('report', { runs: { last: { ...run, start: start(10_800), ranMs: 500, code: 0 } } }),
  lock('rollout/slots/host/web4/1', { reservedFor: 'web4' }),
  lock('shell', { holders: [{ host: 'adm1', session, fence: 7, isKept: false }], runs: 'unreadable' }),
  lock('web', {
    kind: 'slots',
    key: 'consul-locker-web/.lock',
    limit: 3,
    holders: [holder({ sinceMs: ago(3700) }), holder()],
    waiters: [waiter({ host: 'web9', isForMore: true })],
  }),
)

test('all locks stand in a table of 80 columns', () => {
  const lines = locksLines(ALL, NOW, 80)
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    NAME          STATE      HOLDER                    FOR    FENCE  WAIT  LAST RUN
    backup        held       web3 root ./bootstrap.sh  4m12s  88123  2     1d ok
    cleanup       free       web7 never gave it back   -      -      -     2h lock …
    deploy        closed     web1 was cut off          <21s   -      -     -
    hand-made     no lock    -                         -      -      -     -
    index         3 readers  web1 root ./bootstrap.sh  3s     88123  -     -
    migrate       paused     -                         -      -      -     2d7h exi…
    mysql         free       nobody leads              -      -      -     -
    redis         leads      redis1 root leader redis  4m12s  12     -     -
    report        free       -                         -      -      -     2h59m ok
    rollout/slo…  reserved   kept for web4             -      -      -     -
    shell         held       adm1                      ?      7      -     unreadab…
    web           2 of 3     web3 root ./bootstrap.sh  1h1m   88123  1     -

    consul-locker-hand-made holds data, and no lock
    migrate is paused until 2026-11-29T05:00:00Z (2h more) by root@web2: the
    database moves
    "
  `)
})

test('a long name and a long command give way to what is to be seen of others', () => {
  const long = lock('a-name-that-is-much-longer-than-a-name-should-ever-be-but-still-is-allowed', {
    holders: [holder({ host: 'web3.eu-central-1.compute.example.com', command: ['/usr/local/bin/a-long-program'] })],
    waiters: [waiter()],
    runs: { last: { ...run, start: start(86_652), ranMs: 252_000, signal: 'SIGKILL', lost: 'session-gone' } },
  })
  const lines = locksLines(view(long), NOW, 80)
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    NAME          STATE  HOLDER                    FOR    FENCE  WAIT  LAST RUN
    a-name-that…  held   web3.eu-central-1.compu…  4m12s  88123  1     1d SIGKILL, …
    "
  `)
})

test('a pause of all locks, and words of others, can’t be overlooked or obeyed', () => {
  const evil = lock('db', { holders: [holder({ host: '\u001b[2Jroot', user: 'a\nb', command: ['x\u202ey'] })] })
  const paused = { ...view(evil, lock('free')), pause: {} }
  const text = locksLines(paused, NOW).join('\n')
  expect(`\n${text}\n`).toMatchInlineSnapshot(`
    "
    NAME  STATE   HOLDER                       FOR    FENCE  WAIT  LAST RUN
    db    held    \\u001b[2Jroot a\\nb x\\u202ey  4m12s  88123  -     -
    free  paused  -                            -      -      -     -

    all locks are paused until somebody ends that: its record can't be read
    "
  `)
})

test('nothing stands where there is no lock', () => {
  expect(locksLines(view(), NOW)).toEqual([])
  expect(waitersLines(ALL.locks[3] ? view(ALL.locks[3]) : view(), NOW)).toEqual([])
})

test('who waits stands there by hosts', () => {
  const anonymous: WaiterView = { session, isForMore: false }
  const lines = waitersLines(view(...ALL.locks, lock('old', { waiters: [anonymous] })), NOW)
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    HOST  LOCK          PLACE  WAITS  USER  PID   PROGRAM
    ?     old           1      ?      ?     ?     ?
    web1  backup        1      30s    root  4711  ./bootstrap.sh
    web2  backup        2      12s    root  4711  ./bootstrap.sh
    web9  web and more  1      30s    root  4711  ./bootstrap.sh
    "
  `)
})

test('programs get all of it', () => {
  const [backup, ...others] = JSON.parse(locksJson(ALL)).locks
  expect(backup).toEqual({
    ...{ name: 'backup', key: 'consul-locker-backup', kind: 'lock', state: 'held', limit: 1 },
    holders: [
      {
        ...{ host: 'web3', user: 'root', pid: 812, command: ['./bootstrap.sh'], since: start(252) },
        ...{ runId: 'r', session, fence: 88_123 },
      },
    ],
    waiters: [
      { host: 'web1', user: 'root', pid: 4711, command: ['./bootstrap.sh'], since: start(30), session },
      { host: 'web2', user: 'root', pid: 4711, command: ['./bootstrap.sh'], since: start(12), session },
    ],
    lastRun: { ...run, start: start(86_652), ranMs: 252_000, code: 0 },
  })
  const states = Object.fromEntries(others.map(({ name, state }: { name: string; state: string }) => [name, state]))
  expect(states).toEqual({
    ...{ cleanup: 'left', deploy: 'closed', 'hand-made': 'data', index: 'held', migrate: 'paused', mysql: 'free' },
    ...{ redis: 'held', report: 'free', 'rollout/slots/host/web4/1': 'reserved', shell: 'held', web: 'held' },
  })
})
