import { oneLine } from '../base/printable.ts'
import { gauge, type Metric } from '../base/prometheus.ts'
import { labelledLocks } from './labelled-locks.ts'
import type { LockView } from './lock-view.ts'

const PREFIX = 'consul_locker_application'
const LONGEST_HOST = 64

/** Applications with a leader, by their leaders' locks, for Prometheus; `most` of them by name at most. */
export function applicationMetrics(leaders: readonly LockView[], most: number): Metric[] {
  const labelled = [...labelledLocks(leaders, most)]
  const metric = (name: string, help: string, numberOf: (lock: LockView) => number) =>
    gauge(
      `${PREFIX}_${name}`,
      help,
      labelled.map(([lock, name]) => ({ labels: { name }, value: numberOf(lock) })),
    )
  const led = labelled.flatMap(([{ holders }, name]) => (holders[0] ? [{ name, leader: holders[0] }] : []))
  return [
    metric('has_leader', 'Whether somebody leads the application', ({ holders }) => holders.length),
    metric('has_master', 'Whether its leader has made it a master', ({ holders }) =>
      Number(holders[0]?.isPromoted === true),
    ),
    metric('candidates', 'How many wait to lead it', ({ waiters }) => waiters.length),
    gauge(
      `${PREFIX}_leader_info`,
      'Who leads it',
      led.map(({ name, leader: { host = '' } }) => ({ labels: { name, host: oneLine(host, LONGEST_HOST) }, value: 1 })),
    ),
    gauge(
      `${PREFIX}_led_since_timestamp_seconds`,
      'Since when it is led by that one',
      led.flatMap(({ name, leader: { sinceMs } }) =>
        sinceMs === undefined ? [] : [{ labels: { name }, value: sinceMs / 1000 }],
      ),
    ),
  ]
}
