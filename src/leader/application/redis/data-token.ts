import { randomId } from '../../../base/random-id.ts'
import type { Note, OwnData } from '../note.ts'
import type { RedisConnection } from './redis-connection.ts'
import type { HistoryPosition, RedisState } from './redis-state.ts'

/**
 * A key among the data that says how far they go. Redis forgets history and position when it starts from an append-only
 * file; the token comes back with the data, or, when they are emptied or cut off before it, it doesn't.
 */
export interface DataToken extends HistoryPosition {
  /** Tells this token from all others. */
  readonly id: string
}

/** Where the token of an application's data stands. */
export function tokenKey(name: string): string {
  return `consul-locker:${name}`
}

const TOKEN = /^([0-9a-f]{40}) (\d{1,40}) ([0-9a-f-]{36})$/

/** A new token for data that go as far as this. */
export function newToken({ history, position }: HistoryPosition): DataToken {
  return { history, position, id: randomId() }
}

export function tokenText({ history, position, id }: DataToken): string {
  return `${history} ${position} ${id}`
}

/** `undefined` when it is no token. */
export function parseToken(text: string): DataToken | undefined {
  const [, history, position, id] = TOKEN.exec(text) ?? []
  if (history === undefined || position === undefined || id === undefined) return undefined
  return { history, position: BigInt(position), id }
}

/** The token among the data; `undefined` when there is none, or when Redis doesn't say. */
export async function readDataToken(redis: RedisConnection, name: string): Promise<DataToken | undefined> {
  const text = await redis.ask('GET', tokenKey(name)).catch(() => undefined)
  return typeof text === 'string' ? parseToken(text) : undefined
}

/** What a Redis has, measured by the note's history. Each of its witnesses tells how much it has at least. */
export function ownData({ data }: RedisState, token: DataToken | undefined, note: Note): OwnData {
  const isNoted = token !== undefined && token.id === note.token
  const tokens = token ? [{ history: token.history, position: token.position }] : []
  const noted = isNoted ? [{ history: note.history, position: note.position }] : []
  const witnesses = [...data, ...tokens, ...noted]
  const positions = witnesses.filter(({ history }) => history === note.history).map(({ position }) => position)
  return {
    histories: [...new Set(witnesses.map(({ history }) => history))],
    position: positions.reduce((most, position) => (position > most ? position : most), 0n),
  }
}
