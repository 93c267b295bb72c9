import { describe, expect, test } from 'vitest'
import { prometheusText } from '../../../src/base/prometheus.ts'
import { applicationMetrics } from '../../../src/overview/application-metrics.ts'
import { lockMetrics } from '../../../src/overview/lock-metrics.ts'
import type { HolderView, LocksView, LockView } from '../../../src/overview/lock-view.ts'

const run = { runId: 'r', host: 'web3', user: 'root', command: 'sh', start: '2026-11-29T01:00:00.000Z', ranMs: 1500 }
const endS = Date.parse(run.start) / 1000 + 1.5

const holder = (about: Partial<HolderView> = {}): HolderView => ({ session: 's', fence: 7, isKept: false, ...about })

function lock(name: string, about: Partial<LockView> = {}): LockView {
  const key = `consul-locker-${name}`
  return { name, key, kind: 'lock', limit: 1, holders: [], waiters: [], runs: {}, ...about }
}

const viewOf = (locks: readonly LockView[], about: Partial<LocksView> = {}): LocksView => {
  return { locks, unseen: [], atMs: 0, ...about }
}

/** The samples of one metric, as they are told. */
function told(view: LocksView, metric: string, most = 1000): string[] {
  const lines = prometheusText(lockMetrics(view, most)).split('\n')
  return lines.filter((line) => line.replace(/[{ ].*/, '') === `consul_locker_${metric}`)
}

describe('metrics of locks', () => {
  test('tell who holds and waits, since when, of how many', () => {
    const waiter = (sinceMs?: number) => ({ session: 'w', isForMore: false, ...(sinceMs !== undefined && { sinceMs }) })
    const view = viewOf([
      lock('db', {
        ...{ kind: 'slots', limit: 3, holders: [holder({ sinceMs: 5000 }), holder({ sinceMs: 2500 })] },
        waiters: [waiter(), waiter(9000), waiter(8000)],
      }),
      lock('idle'),
      lock('read', { kind: 'readers', limit: Number.POSITIVE_INFINITY, holders: [holder()] }),
    ])
    expect(told(view, 'lock_holders')).toEqual([
      'consul_locker_lock_holders{name="db"} 2',
      'consul_locker_lock_holders{name="idle"} 0',
      'consul_locker_lock_holders{name="read"} 1',
    ])
    expect(told(view, 'lock_limit').map((line) => line.split(' ').at(-1))).toEqual(['3', '1', '+Inf'])
    expect(told(view, 'lock_held_since_timestamp_seconds')).toEqual([
      'consul_locker_lock_held_since_timestamp_seconds{name="db"} 2.5',
    ])
    expect(told(view, 'lock_waited_for_since_timestamp_seconds')).toEqual([
      'consul_locker_lock_waited_for_since_timestamp_seconds{name="db"} 8',
    ])
    expect(told(view, 'holders')).toEqual(['consul_locker_holders 3'])
    expect(told(view, 'waiters')).toEqual(['consul_locker_waiters 3'])
    expect(told(view, 'locks').filter((line) => !line.endsWith(' 0'))).toEqual([
      'consul_locker_locks{condition="held"} 2',
      'consul_locker_locks{condition="free"} 1',
    ])
  })

  test('tell when runs succeeded, failed, and lost the lock', () => {
    const lost = { ...run, start: '2026-11-28T01:00:00.000Z', lost: 'deadline' }
    const view = viewOf([
      lock('never', { runs: {} }),
      lock('once', { runs: { success: run, failure: lost, last: run, lost } }),
      lock('torn', { runs: 'unreadable' }),
    ])
    expect(told(view, 'lock_last_success_timestamp_seconds')).toEqual([
      `consul_locker_lock_last_success_timestamp_seconds{name="once"} ${endS}`,
    ])
    const lostS = `{name="once"} ${endS - 86_400}`
    expect(told(view, 'lock_last_failure_timestamp_seconds')).toEqual([
      `consul_locker_lock_last_failure_timestamp_seconds${lostS}`,
    ])
    expect(told(view, 'lock_last_lost_timestamp_seconds')).toEqual([
      `consul_locker_lock_last_lost_timestamp_seconds${lostS}`,
    ])
    expect(told(view, 'lock_unreadable').map((line) => line.split(' ').at(-1))).toEqual(['0', '0', '1'])
  })

  test('tell of pauses, closures and holders that never gave it back', () => {
    const view = viewOf(
      [lock('a', { pause: {} }), lock('b', { closure: { places: 1, untilMs: 1 } }), lock('c', { left: {} })],
      { pause: {} },
    )
    expect(told(view, 'paused')).toEqual(['consul_locker_paused 1'])
    for (const [metric, values] of [
      ['lock_paused', ['1', '0', '0']],
      ['lock_closed', ['0', '1', '0']],
      ['lock_left', ['0', '0', '1']],
    ] as const) {
      expect(told(view, metric).map((line) => line.split(' ').at(-1))).toEqual(values)
    }
  })

  test('have series for so many locks and no more, always the same ones, and count all', () => {
    const locks = Array.from({ length: 10_000 }, (_, n) =>
      lock(`job-${String(n).padStart(5, '0')}`, { holders: [holder()] }),
    )
    const view = viewOf(locks)
    expect(told(view, 'lock_holders', 100)).toHaveLength(100)
    expect(told(view, 'lock_holders', 100).at(-1)).toContain('"job-00099"')
    expect(told(view, 'locks_omitted', 100)).toEqual(['consul_locker_locks_omitted 9900'])
    expect(told(view, 'holders', 100)).toEqual(['consul_locker_holders 10000'])
    expect(told(view, 'lock_holders', 0)).toEqual([])
    expect(prometheusText(lockMetrics(view, 100)).length).toBeLessThan(150_000)
  })

  test('have labels that nobody else has, of a bounded length, and without control characters', () => {
    const view = viewOf([
      lock('same'),
      lock('same', { key: 'consul-locker-same/.lock' }),
      lock('x'.repeat(200), { key: 'x'.repeat(200) }),
      lock('a"b\\c\nd\u001b[0m'),
    ])
    expect(told(view, 'lock_holders')).toEqual([
      'consul_locker_lock_holders{name="same"} 0',
      'consul_locker_lock_holders{name="consul-locker-same/.lock"} 0',
      String.raw`consul_locker_lock_holders{name="a\"b\\c\\nd\\u001b[0m"} 0`,
    ])
    expect(told(view, 'locks_omitted')).toEqual(['consul_locker_locks_omitted 1'])
  })
})

test('metrics of applications tell who leads each, since when, whether it is master, and who could', () => {
  const leader = (name: string, about: Partial<LockView>) => lock(name, { kind: 'leader', ...about })
  const text = prometheusText(
    applicationMetrics(
      [
        leader('orphan', {}),
        leader('redis', {
          holders: [holder({ host: `web3${'x'.repeat(100)}`, sinceMs: 3000, isPromoted: true })],
          waiters: [{ session: 'w', isForMore: false }],
        }),
      ],
      10,
    ),
  )
  expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
    'consul_locker_application_has_leader{name="orphan"} 0',
    'consul_locker_application_has_leader{name="redis"} 1',
    'consul_locker_application_has_master{name="orphan"} 0',
    'consul_locker_application_has_master{name="redis"} 1',
    'consul_locker_application_candidates{name="orphan"} 0',
    'consul_locker_application_candidates{name="redis"} 1',
    `consul_locker_application_leader_info{name="redis",host="web3${'x'.repeat(59)}…"} 1`,
    'consul_locker_application_led_since_timestamp_seconds{name="redis"} 3',
  ])
})
