import { describe, expect, test } from 'vitest'
import { CLOSED, parseInfo } from '../../../../../src/leader/application/redis/redis-state.ts'

const A = 'a'.repeat(40)
const B = 'b'.repeat(40)
const NONE = '0'.repeat(40)

const info = (fields: Readonly<Record<string, string | number>>) =>
  ['# All', ...Object.entries(fields).map(([name, value]) => `${name}:${value}`), ''].join('\r\n')

const MASTER = {
  run_id: 'r1',
  loading: 0,
  rdb_changes_since_last_save: 3,
  rdb_last_bgsave_status: 'ok',
  aof_last_write_status: 'ok',
  role: 'master',
  slave0: 'ip=10.0.0.2,port=6379,state=online,offset=90,lag=0',
  slave1: 'ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0',
  master_replid: A,
  master_replid2: NONE,
  master_repl_offset: 100,
  second_repl_offset: -1,
  repl_backlog_active: 1,
  db0: 'keys=5,expires=1,avg_ttl=0',
  db3: 'keys=2,expires=0,avg_ttl=0',
}
const SLAVE = {
  ...MASTER,
  role: 'slave',
  master_host: '10.0.0.1',
  master_port: 6379,
  master_link_status: 'up',
  master_sync_in_progress: 0,
  slave_repl_offset: 80,
}

describe('what a Redis says of itself', () => {
  test('a master: its replicas, its keys, its history', () => {
    expect(parseInfo(info(MASTER), 0)).toMatchObject({
      runId: 'r1',
      role: 'master',
      open: true,
      keys: 7n,
      changes: 3,
      data: [{ history: A, position: 100n }],
      replicas: [
        { online: true, position: 90n },
        { online: false, position: 0n },
      ],
      following: undefined,
      unsaved: undefined,
    })
  })

  test('a replica counts by what it has applied, and is never open', () => {
    expect(parseInfo(info(SLAVE), 0)).toMatchObject({
      open: false,
      data: [{ history: A, position: 80n }],
      following: { host: '10.0.0.1', port: 6379, connected: true, copying: false },
    })
  })

  test.each([
    [{ master_last_io_seconds_ago: 3 }, 0],
    [{ master_last_io_seconds_ago: 10 }, 0],
    [{ master_last_io_seconds_ago: 11 }, 11_000],
    [{ master_link_status: 'down', master_last_io_seconds_ago: -1, master_link_down_since_seconds: 4 }, 4000],
    [{ master_link_status: 'down', master_last_io_seconds_ago: -1, master_link_down_since_seconds: -1 }, undefined],
  ])('a replica of which Redis says %j is behind by %j ms', (said, lagMs) => {
    expect(parseInfo(info({ ...SLAVE, ...said }), 0).following?.lagMs).toBe(lagMs)
  })

  test('a master that asks for more replicas than there can be is closed', () => {
    expect(parseInfo(info(MASTER), CLOSED).open).toBe(false)
  })

  test('of the history before a promotion it has only what it had then', () => {
    const { data } = parseInfo(info({ ...MASTER, master_replid2: B, second_repl_offset: 61 }), 0)
    expect(data).toEqual([
      { history: A, position: 100n },
      { history: B, position: 60n },
    ])
  })

  test('a replica in the midst of a full copy has no data to speak of', () => {
    expect(parseInfo(info({ ...SLAVE, slave_repl_offset: 1, master_sync_in_progress: 1 }), 0).data).toEqual([])
  })

  test('what it can’t save is told, and a broken answer is no promise', () => {
    expect(parseInfo(info({ ...MASTER, aof_last_write_status: 'err' }), 0).unsaved).toBe('aof_last_write_status')
    expect(parseInfo('', 0)).toMatchObject({ open: false, loading: true, data: [], keys: 0n })
  })
})
