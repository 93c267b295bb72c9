/** A write to Consul's keys: who holds them now, or what stands there. */
export interface Written {
  readonly key: string
  readonly value: unknown
  /** A session holds it. */
  readonly isHeld?: boolean
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const HOSTS = ['web1', 'web2', 'web3', 'db1', 'db2'] as const

const hostAt = (n: number) => HOSTS[n % HOSTS.length] ?? HOSTS[0]

/** A fleet's locks as they stand at an instant, with what ran under them in the day before. */
export function locksOfADay(nowMs: number): Written[] {
  let count = 0
  const run = (host: string, agoMs: number, ranMs: number | undefined, command: string, end: object = { code: 0 }) => ({
    runId: `run ${++count}`,
    host,
    user: 'root',
    command,
    start: new Date(nowMs - agoMs).toISOString(),
    waitedMs: 40,
    fence: 4000 + count,
    ...(ranMs !== undefined && { ranMs }),
    ...end,
  })
  const history = (name: string, runs: readonly object[]): Written => ({
    key: `consul-locker-${name}=runs`,
    value: { runs },
  })
  const holder = (name: string, host: string, agoMs: number, command: string): Written => ({
    key: `consul-locker-${name}`,
    isHeld: true,
    value: {
      ...{ host, pid: 800 + ++count, user: 'root', command: [command], lockDelayMs: 24_000 },
      ...{ since: new Date(nowMs - agoMs).toISOString(), runId: `run ${count}` },
    },
  })
  const waiter = (name: string, host: string, agoMs: number, command: string): Written => ({
    ...holder(`${name}=queue/<session>`, host, agoMs, command),
  })
  const backup = '/usr/local/bin/backup'
  const index = './reindex'
  return [
    history('backup', [
      run('db1', 23 * HOUR, 72 * MINUTE, backup),
      run('db2', 17 * HOUR, 69 * MINUTE, backup),
      run('db1', 11 * HOUR, 83 * MINUTE, backup),
      run('db1', 5 * HOUR, 9 * MINUTE, backup, { code: 2 }),
      run('db2', 4.7 * HOUR, 75 * MINUTE, backup),
    ]),
    history('certificates', [run('web1', 15 * HOUR, 31_000, './renew'), run('web3', 3 * HOUR, 28_000, './renew')]),
    history('deploy', [
      run('web1', 7 * HOUR, 21 * MINUTE, './deploy', { code: 3 }),
      run('web1', 6 * HOUR, 34 * MINUTE, './deploy'),
    ]),
    {
      key: 'consul-locker-deploy=pause',
      value: {
        until: new Date(nowMs + 2 * HOUR).toISOString(),
        since: new Date(nowMs - HOUR).toISOString(),
        by: 'kim@web1',
        reason: 'freeze',
      },
    },
    history('invoices', [
      run('db2', 21 * HOUR, 2.4 * HOUR, './invoices'),
      run('db1', 9 * HOUR, 2.1 * HOUR, './invoices'),
    ]),
    history('mail/digest', [
      run('web2', 13 * HOUR, 40 * MINUTE, './digest', { killed: true }),
      run('web1', 1.4 * HOUR, 55 * MINUTE, './digest'),
    ]),
    history('reindex', [
      run('web2', 20 * HOUR, 2.5 * HOUR, index),
      run('web3', 13 * HOUR, 3.2 * HOUR, index, { signal: 'SIGTERM', lost: 'its session has expired' }),
      run('web1', 9 * HOUR, 2.8 * HOUR, index),
    ]),
    holder('reindex', 'web2', 1.6 * HOUR, index),
    waiter('reindex', 'web1', 46 * MINUTE, index),
    waiter('reindex', 'web3', 12 * MINUTE, index),
    history(
      'report',
      Array.from({ length: 20 }, (_, n) =>
        run(hostAt(n), (20 - n) * HOUR - 20 * MINUTE, 14 * MINUTE, './report.sh', { code: n === 13 ? 1 : 0 }),
      ),
    ),
    history(
      'thumbnails',
      Array.from({ length: 20 }, (_, n) => run(hostAt(2 * n), (21 - n) * 24 * MINUTE, 18 * MINUTE, './thumbs')),
    ),
    holder('thumbnails', 'web3', 14 * MINUTE, './thumbs'),
  ]
}
