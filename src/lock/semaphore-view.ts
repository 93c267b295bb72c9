import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey, readKeys } from '../consul/kv.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import type { ClaimResult } from './claim.ts'
import { type ListForm, livingAmong } from './holder-list.ts'
import { isLock, SEMAPHORE_FLAGS } from './lock-keys.ts'

/** Where a semaphore stands. */
export interface SemaphorePlace {
  /** The key of the list of holders. */
  readonly list: string
  /** What each contender's key begins with; its session follows. */
  readonly contenders: string
  readonly form: ListForm
  /** A list may take the place of a lock that is free, and waits for one that is held: writer and readers. */
  readonly besideLock?: boolean
  /** This key stands while somebody is in, so that nobody takes it for a lock. */
  readonly marker?: string
}

/** What stands there. */
export interface SemaphoreView {
  readonly list: Entry | undefined
  readonly marker: Entry | undefined
  /** `undefined` without a list. */
  readonly limit: number | undefined
  readonly holders: readonly string[]
}

/** The key of one contender. */
export function contenderKey({ contenders }: SemaphorePlace, session: string): string {
  return `${contenders}${session}`
}

/** What these entries say. Throws a `usage` failure when they are something else. */
export function viewOf(place: SemaphorePlace, list: Entry | undefined, marker?: Entry): SemaphoreView {
  if (marker && !isMarker(place, marker)) {
    if (!isLock(marker)) throw notASemaphore(marker)
    if ((marker as Entry).session !== undefined) throw heldAsLock(marker)
  }
  const none = { list, marker, limit: undefined, holders: [] }
  if (list === undefined || (place.besideLock && isLock(list))) return none
  if (list.flags !== SEMAPHORE_FLAGS) throw notASemaphore(list)
  // The Go client takes an empty value for none.
  if (list.value === '') return none
  const value = place.form.parse(list.value)
  if (!value) throw notASemaphore(list)
  return { list, marker, ...value }
}

/** The holders that live, in the order in which they came. */
export async function livingIn(
  ctx: Context,
  consul: Consul,
  place: SemaphorePlace,
  { limit = 0, holders }: SemaphoreView,
): Promise<Entry[]> {
  if (holders.length === 0) return []
  const contenders = await readKeys(ctx, consul, place.contenders)
  return livingAmong({ limit, holders }, contenders, (id) => contenderKey(place, id))
}

/** What marks the name of a semaphore, as far as it stands there. */
export async function readMarker(ctx: Context, consul: Consul, place: SemaphorePlace): Promise<Entry | undefined> {
  return place.marker === undefined ? undefined : (await readKey(ctx, consul, place.marker)).entry
}

/** The value of a marker. */
export function markerValue({ list }: SemaphorePlace): string {
  return JSON.stringify({ Slots: list })
}

export function isMarker(place: SemaphorePlace, entry: Entry | undefined): entry is Entry {
  return entry?.flags === SEMAPHORE_FLAGS && entry.value === markerValue(place)
}

/**
 * Writes a value of a semaphore's, if the key is still as it was seen. What stands there may be a lock: only one that
 * is free, and whose lock-delay is over, gives its place up.
 */
export function writing(key: string, seen: Entry | undefined, value: string, session: string): TxnOp[] {
  const flags = SEMAPHORE_FLAGS
  if (!seen || seen.flags === flags) return [{ verb: 'cas', key, index: seen?.modifyIndex ?? 0, value, flags }]
  return [
    { verb: 'check-index', key, index: seen.modifyIndex },
    { verb: 'lock', key, value, flags, session },
    { verb: 'unlock', key, value, flags, session },
  ]
}

/** Removes some of many dead, of whom one transaction can't remove all; then everything is looked at again. */
export async function clearing(ctx: Context, consul: Consul, ops: readonly TxnOp[]): Promise<ClaimResult> {
  const outcome = await transact(ctx, consul, ops)
  const isDelayed = !outcome.done && outcome.reasons.some((reason) => /due to lock delay/i.test(reason))
  return { kind: isDelayed ? 'lock-delay' : 'changed' }
}

function heldAsLock({ key }: Entry): Failure {
  return new Failure('usage', `the key ${key} is held as a plain lock`, {
    hint: 'a name is that of one lock or of slots; give one of the two another name',
  })
}

function notASemaphore(entry: Entry): Failure {
  const { key, flags } = entry
  const isOther = flags === SEMAPHORE_FLAGS
  const what = isOther ? 'belongs to another semaphore' : isLock(entry) ? 'is a plain lock' : 'holds data'
  return new Failure('usage', `the key ${key} ${what}`, {
    hint: `take another name; if nobody needs this one: consul kv delete ${key}`,
  })
}
