import type { Context } from '../base/context.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import { compareAndSet } from '../consul/compare-and-set.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { holdersIn, listKeyOf } from '../lock/holder-list.ts'
import { heldFence, parseHolderRecord } from '../lock/holder-record.ts'
import { SEMAPHORE_FLAGS } from '../lock/lock-keys.ts'
import { isKept } from './history/unended-runs.ts'

/** The mark in the record of a kept lock: no command runs under it, and it may be asked for. */
export const KEPT_MARK = { kept: true }

/** Who asks for a lock by its value, if this run has it; whoever may write the key may have written that. */
export function requesterIn(value: string, runId: string): string | undefined {
  if (parseHolderRecord(value).runId !== runId) return undefined
  const { releaseAskedBy } = JSON.parse(value)
  return typeof releaseAskedBy === 'string' ? releaseAskedBy : undefined
}

/**
 * What became of a lock that was asked for: its holder gave it back; or it was lost before; or it is not the one that
 * was meant, and nothing was done: `free`, another's, or that of a run with a command, which its command's end gives
 * back.
 */
export type ReleaseAnswer =
  | { readonly kind: 'given-back' | 'lost' | 'free' }
  | { readonly kind: 'others' | 'command'; readonly holder: Entry }

/**
 * Asks the run that keeps a lock to give it back, and no run with a command. The signal bounds the wait; the request
 * stands until it is heard. Settles with what became of the lock.
 */
export function requestRelease(
  ctx: Context,
  consul: Consul,
  key: string,
  runId: string,
  by: string,
  retry = new Retry(consul),
): Promise<ReleaseAnswer> {
  return request(ctx, consul, key, by, retry, (entry) => {
    if (entry?.session === undefined) return { kind: 'free' }
    if (parseHolderRecord(entry.value).runId !== runId) return { kind: 'others', holder: entry }
    return isKept(entry.value) ? undefined : { kind: 'command', holder: entry }
  })
}

/**
 * Asks who holds this key, and is known by a run's id, to give it back, whatever he does under it: a command is told to
 * end as by TERM. Settles as `requestRelease` does; `others` when the session isn't the one that was seen, or left no
 * such id.
 */
export function requestYield(
  ctx: Context,
  consul: Consul,
  { key, session }: Pick<Entry, 'key' | 'session'>,
  by: string,
  retry = new Retry(consul),
): Promise<ReleaseAnswer> {
  return request(ctx, consul, key, by, retry, (entry) => {
    if (entry?.session === undefined) return { kind: 'free' }
    const isMeant = entry.session === session && parseHolderRecord(entry.value).runId !== undefined
    return isMeant ? undefined : { kind: 'others', holder: entry }
  })
}

/**
 * Asks by a mark in the lock's value, and waits until it is given back; nobody else can do that without taking it from
 * who may still work under it.
 */
async function request(
  ctx: Context,
  consul: Consul,
  key: string,
  by: string,
  retry: Retry,
  whyNot: (entry: Entry | undefined) => ReleaseAnswer | undefined,
): Promise<ReleaseAnswer> {
  let refusal: ReleaseAnswer | undefined
  let asked: Entry | undefined
  await retry.until(ctx, () =>
    compareAndSet(ctx, consul, key, (entry) => {
      refusal = whyNot(entry)
      if (refusal || !entry) return 'keep'
      asked = entry
      const value = JSON.stringify({ ...JSON.parse(entry.value), fence: heldFence(entry), releaseAskedBy: by })
      return { value, flags: entry.flags }
    }),
  )
  // A request whose answer was lost may have been heard by now.
  if (!asked) return refusal ?? { kind: 'free' }
  const { createIndex, session } = asked
  const query = new BlockingQuery((ctx, from) => readKey(ctx, consul, key, { ...from, consistent: true }))
  for (;;) {
    const { entry } = await retry.until(ctx, () => query.next(ctx))
    if (entry && entry.session === session) continue
    // Who gives back deletes the key, or hands it on; a session that died leaves it to nobody, or its place in a list
    // of holders.
    const isLeft = entry?.createIndex === createIndex && entry.session === undefined
    const isLost = entry ? isLeft : await stillStands(ctx, consul, retry, asked)
    return { kind: isLost ? 'lost' : 'given-back' }
  }
}

/** Whether a list of holders still names who held this key of his own, which has gone. */
async function stillStands(ctx: Context, consul: Consul, retry: Retry, gone: Entry): Promise<boolean> {
  const { key, flags, session = '' } = gone
  if (flags !== SEMAPHORE_FLAGS) return false
  const { entry } = await retry.until(ctx, () => readKey(ctx, consul, listKeyOf(key), { consistent: true }))
  return entry !== undefined && holdersIn(entry.value).includes(session)
}
