import * as v from 'valibot'
import type { Context } from '../base/context.ts'
import { isSessionId } from '../consul/fields.ts'
import type { Entry } from '../consul/kv.ts'
import { storedAs } from '../consul/stored-value.ts'
import type { TxnOp } from '../consul/txn.ts'
import { SEMAPHORE_FLAGS, SLOTS_LIST } from './lock-keys.ts'

/** Who is in, by their sessions, and how many may be. */
export interface HolderList {
  readonly limit: number
  readonly holders: readonly string[]
}

/** How a list stands at its key. */
export interface ListForm {
  /** `undefined` when it is none. */
  parse(value: string): HolderList | undefined
  encode(list: HolderList): string
}

const SESSIONS = v.pipe(
  v.nullable(v.unknown(), {}),
  v.check((set) => !Array.isArray(set)),
  v.record(v.string(), v.unknown()),
)
const LIMIT = v.pipe(v.number(), v.integer(), v.minValue(1))
const SEMAPHORE = v.object({ Limit: LIMIT, Holders: SESSIONS })
const READER_LIST = v.object({ Readers: SESSIONS })

/** That of Consul's own Go client, and so of `consul lock -n` (api/semaphore.go). */
export const SEMAPHORE_FORM: ListForm = {
  parse(value) {
    const stored = storedAs(SEMAPHORE, value)
    return stored && { limit: stored.Limit, holders: Object.keys(stored.Holders) }
  },
  encode: ({ limit, holders }) => JSON.stringify({ Limit: limit, Holders: asSet(holders) }),
}

/**
 * Readers beside a writer, as many as like. For `consul lock -n` it is a semaphore of another limit, which it refuses.
 */
export const READERS_FORM: ListForm = {
  parse(value) {
    const stored = storedAs(READER_LIST, value)
    return stored && { limit: Number.POSITIVE_INFINITY, holders: Object.keys(stored.Readers) }
  },
  encode: ({ holders }) => JSON.stringify({ Readers: asSet(holders) }),
}

/** Who is in by this value, of slots or of readers; nobody when it is neither. */
export function holdersIn(value: string): readonly string[] {
  return (SEMAPHORE_FORM.parse(value) ?? READERS_FORM.parse(value))?.holders ?? []
}

/** What the keys of a lock's readers begin with. */
export const READERS = '=shared/'

/** The key of the list that names the holder of this key of his own. */
export function listKeyOf(contenderKey: string): string {
  const at = contenderKey.lastIndexOf(READERS)
  return at >= 0 ? contenderKey.slice(0, at) : contenderKey.replace(/[/][^/]*$/, SLOTS_LIST)
}

function asSet(ids: readonly string[]): Record<string, true> {
  return Object.fromEntries(ids.map((id) => [id, true]))
}

/** The entries of those in a list whose sessions live, in the order in which they came. */
export function livingAmong(
  { holders }: HolderList,
  contenders: readonly Entry[],
  keyOf: (session: string) => string,
): Entry[] {
  const isIn = new Set(holders)
  return contenders
    .filter(({ key, session }) => session !== undefined && isIn.has(session) && key === keyOf(session))
    .sort((one, other) => one.createIndex - other.createIndex)
}

/** So many of the dead are removed in one transaction, beside all else; Consul takes 64 operations. */
const REMOVED_AT_ONCE = 15

/** So many of the dead, and no more than can be removed at once; other ones each time, for some are still protected. */
export function someOf(ctx: Context, dead: readonly string[], count: number): string[] {
  const drawn = dead.map((id) => ({ id, at: ctx.random() })).sort((one, other) => one.at - other.at)
  return drawn.slice(0, Math.max(0, Math.min(count, REMOVED_AT_ONCE))).map(({ id }) => id)
}

/**
 * What must go well before the places of these dead are given away: their sessions held these keys, so Consul refuses
 * to lock them until the lock-delays are over, as it does with a lock (agent/consul/txn_endpoint.go, preCheck).
 */
export function probesOf(dead: readonly string[], keyOf: (session: string) => string, session: string): TxnOp[] {
  return dead.filter(isSessionId).flatMap((id): TxnOp[] => [
    { verb: 'lock', key: keyOf(id), value: '', flags: SEMAPHORE_FLAGS, session },
    { verb: 'delete', key: keyOf(id) },
  ])
}
