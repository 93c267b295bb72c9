import type { Context } from '../base/context.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import { compareAndSet } from '../consul/compare-and-set.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { holdersIn, listKeyOf } from '../lock/holder-list.ts'
import { parseHolderRecord } from '../lock/holder-record.ts'
import { SEMAPHORE_FLAGS } from '../lock/lock-keys.ts'

/** A longer value is no record of ours; nobody reads on. In characters. */
const LONGEST = 8192

/** What the record of a kept lock tells beside who holds it: that it is nobody's command, and may be asked for. */
export const KEPT_MARK = { kept: true }

interface KeptRecord {
  readonly kept?: unknown
  readonly releaseAskedBy?: unknown
}

/** Who asks for a kept lock by its value, if this run has it; whoever may write the key may have written that. */
export function requesterIn(value: string, runId: string): string | undefined {
  const { kept, releaseAskedBy } = keptRecordIn(value)
  const isOurs = kept === true && parseHolderRecord(value).runId === runId
  return isOurs && typeof releaseAskedBy === 'string' ? releaseAskedBy : undefined
}

function keptRecordIn(value: string): KeptRecord {
  if (value.length > LONGEST) return {}
  try {
    return Object(JSON.parse(value)) as KeptRecord
  } catch {
    return {}
  }
}

/**
 * What became of a lock that was asked for: its keeper gave it back; or it was lost before; or it is not that run's, and
 * nothing was done: `free`, another's, or that of a run with a command, which its command's end gives back.
 */
export type ReleaseAnswer =
  | { readonly kind: 'given-back' | 'lost' | 'free' }
  | { readonly kind: 'others' | 'command'; readonly holder: Entry }

/**
 * Asks the run that keeps a lock to give it back, by a mark in the lock's value, and waits until it has; nobody else can
 * do that without taking it from who may still work under it. The signal bounds the wait; the request stands
 * until it is heard. Settles with what became of the lock.
 */
export async function requestRelease(
  ctx: Context,
  consul: Consul,
  key: string,
  runId: string,
  by: string,
): Promise<ReleaseAnswer> {
  const retry = new Retry(consul)
  let refusal: ReleaseAnswer | undefined
  let asked: Entry | undefined
  await retry.until(ctx, () =>
    compareAndSet(ctx, consul, key, (entry) => {
      refusal = whyNot(entry, runId)
      if (refusal || !entry) return 'keep'
      asked = entry
      const value = JSON.stringify({ ...JSON.parse(entry.value), releaseAskedBy: by })
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
    // Who gives back deletes the key; from a session that died the key remains, or its place in a list of holders.
    const isLost = entry ? entry.createIndex === createIndex : await stillStands(ctx, consul, retry, asked)
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

function whyNot(entry: Entry | undefined, runId: string): ReleaseAnswer | undefined {
  if (entry?.session === undefined) return { kind: 'free' }
  if (parseHolderRecord(entry.value).runId !== runId) return { kind: 'others', holder: entry }
  return keptRecordIn(entry.value).kept === true ? undefined : { kind: 'command', holder: entry }
}
