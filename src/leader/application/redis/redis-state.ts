import type { RedisConnection } from './redis-connection.ts'

/** How far in which history of the data. A history is a replication id. */
export interface HistoryPosition {
  readonly history: string
  readonly position: bigint
}

/** What a Redis says of itself; https://redis.io/docs/latest/commands/info/. */
export interface RedisState {
  /** Another one after each start. */
  readonly runId: string
  readonly role: 'master' | 'slave'
  /** A master that takes writes, as far as its role goes. */
  readonly open: boolean
  readonly minReplicas: number
  readonly loading: boolean
  /** What it can't save, if anything. */
  readonly unsaved: string | undefined
  readonly keys: bigint
  /** Writes since it saved last. */
  readonly changes: number
  /** Its data's own history, and the one that this goes on from. A replica in the midst of a full copy has none. */
  readonly data: readonly HistoryPosition[]
  readonly hasBacklog: boolean
  readonly replicas: readonly Replica[]
  readonly following: Following | undefined
}

/** A replica, as its master sees it. */
export interface Replica {
  readonly online: boolean
  readonly position: bigint
}

/** The master that a replica follows. */
export interface Following {
  readonly host: string
  readonly port: number
  readonly connected: boolean
  /** A full copy is under way. */
  readonly copying: boolean
  /** For how long nothing more has come from the master, in milliseconds; `undefined`: it never spoke. */
  readonly lagMs: number | undefined
}

/** So many replicas there never are: a master that asks for them takes no writes. */
export const CLOSED = 1_000_000

/** The default of `repl-ping-replica-period`, in seconds. */
const PING_S = 10

/** Asks a Redis how it is. */
export async function lookAt(redis: RedisConnection): Promise<RedisState> {
  const [info, [, minReplicas]] = await Promise.all([
    redis.askText('INFO'),
    redis.ask('CONFIG', 'GET', 'min-replicas-to-write').then((reply) => (Array.isArray(reply) ? reply : [])),
  ])
  return parseInfo(info, Number(minReplicas))
}

/** What INFO says, beside the setting `min-replicas-to-write`. */
export function parseInfo(info: string, minReplicas: number): RedisState {
  const fields = new Map(
    info.split('\r\n').flatMap((line) => {
      const at = line.indexOf(':')
      return at < 0 || line.startsWith('#') ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
    }),
  )
  const text = (name: string) => fields.get(name) ?? ''
  const number = (name: string) => integer(text(name))
  const role = text('role') === 'master' ? 'master' : 'slave'
  const copying = text('master_sync_in_progress') === '1'
  const connected = text('master_link_status') === 'up'
  return {
    runId: text('run_id'),
    role,
    open: role === 'master' && minReplicas !== CLOSED,
    minReplicas,
    loading: text('loading') !== '0' || text('async_loading') === '1',
    unsaved: ['rdb_last_bgsave_status', 'aof_last_write_status'].find((name) => text(name) !== 'ok'),
    keys: [...fields]
      .filter(([name]) => /^db\d+$/.test(name))
      .reduce((sum, [, value]) => sum + integer(/^keys=(\d+)/.exec(value)?.[1] ?? ''), 0n),
    changes: Number(number('rdb_changes_since_last_save')),
    data: dataIn(role, text, number),
    hasBacklog: text('repl_backlog_active') === '1',
    replicas: [...fields].filter(([name]) => /^slave\d+$/.test(name)).map(([, value]) => replicaIn(value)),
    following:
      role === 'master'
        ? undefined
        : {
            host: text('master_host'),
            port: Number(number('master_port')),
            connected,
            copying,
            lagMs: lagMsOf(connected, number),
          },
  }
}

/**
 * A master that has nothing to send says so every 10 s (`repl-ping-replica-period`): so much silence is no lag.
 * https://redis.io/docs/latest/commands/info/ has both fields.
 */
function lagMsOf(connected: boolean, number: (name: string) => bigint): number | undefined {
  if (!connected) {
    const down = Number(number('master_link_down_since_seconds'))
    return down > 0 ? down * 1000 : undefined
  }
  const silent = Number(number('master_last_io_seconds_ago'))
  return silent <= PING_S ? 0 : silent * 1000
}

/** `second_repl_offset` is the first offset that is no more of the former history. */
function dataIn(
  role: RedisState['role'],
  text: (name: string) => string,
  number: (name: string) => bigint,
): HistoryPosition[] {
  const own = { history: text('master_replid'), position: number(`${role}_repl_offset`) }
  const former = { history: text('master_replid2'), position: number('second_repl_offset') - 1n }
  // A replica whose full copy was begun and not ended says 1; what it holds then is nobody's.
  if (role === 'slave' && own.position <= 1n) return []
  return [own, former].filter(({ history, position }) => /[1-9a-f]/.test(history) && position >= 0n)
}

function replicaIn(value: string): Replica {
  const fields = new Map(value.split(',').map((field) => field.split('=') as [string, string]))
  return { online: fields.get('state') === 'online', position: integer(fields.get('offset') ?? '') }
}

function integer(digits: string): bigint {
  return /^-?\d{1,40}$/.test(digits) ? BigInt(digits) : 0n
}
