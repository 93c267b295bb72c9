import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { type Flag, type FlagValue, parseFlag } from './flags.ts'
import type { WatchMemory } from './watch-memory.ts'

/** A flag that has changed. */
export interface Transition {
  readonly from: FlagValue
  readonly to: FlagValue
}

/** With the index at which its key came into being. */
interface WatchedFlag extends Flag {
  readonly createIndex: number
}

const LONG_POLL_MS = 30_000

/** Why a wait for a value ended without it. */
export const WAIT_OVER = Symbol('the time to wait for the flag is over')

/**
 * Calls `react` for every change of a flag, one after the other; what changes meanwhile, or while nobody watches, is
 * one change to it. The NULL that stands when a watch begins for the first time is none; a START or WAIT that does is,
 * for its node may not have heard of it. What `react` settles with `false` for, or what we die in, isn't remembered as
 * dealt with: the next watch begins with it, or with what has become of it. Outages of Consul are sat out. Never
 * settles; rejects with a `Failure` that doesn't pass, or with the signal's reason.
 */
export async function watchFlag(
  ctx: Context,
  consul: Consul,
  key: string,
  memory: WatchMemory,
  react: (ctx: Context, transition: Transition) => Promise<boolean>,
): Promise<never> {
  let { known, isInterrupted } = await memory.recall(ctx)
  for (;;) {
    const flag = await nextFlag(ctx, consul, key, isInterrupted ? undefined : known)
    const isNews = isInterrupted || isTransition(known, flag)
    if (isNews) await memory.begin(ctx, known)
    const isDealtWith = !isNews || (await react(ctx, { from: known?.value ?? 'NULL', to: flag.value }))
    if (isDealtWith) await memory.keep(ctx, flag)
    known = flag
    isInterrupted = false
  }
}

/** Waits until a flag has a value; rejects with the signal's reason when that aborts first. */
export async function awaitFlag(ctx: Context, consul: Consul, key: string, value: FlagValue): Promise<void> {
  let known: Flag | undefined
  for (;;) {
    known = await nextFlag(ctx, consul, key, known)
    if (known.value === value) return
  }
}

/** A NULL that was written over a NULL may be all that is seen of a switch; one in a new key says nothing. */
function isTransition(known: Flag | undefined, flag: WatchedFlag): boolean {
  if (flag.value !== 'NULL' || (known !== undefined && known.value !== 'NULL')) return true
  return known !== undefined && flag.createIndex <= known.index && known.index < flag.index
}

/** The flag, once it differs from the known one. Words that are no flag are told of and passed over. */
async function nextFlag(ctx: Context, consul: Consul, key: string, known: Flag | undefined): Promise<WatchedFlag> {
  const retry = new Retry(consul)
  let index = 0
  for (;;) {
    const reading = await retry.until(ctx, () => {
      const options = { index, waitMs: LONG_POLL_MS, consistent: true }
      index = 0 // What is tried again begins anew: an index may belong to a past that was undone.
      return readKey(ctx, consul, key, options)
    })
    index = reading.index
    const flag = tryToParse(ctx, key, reading.entry)
    const createIndex = reading.entry?.createIndex ?? Number.POSITIVE_INFINITY
    if (flag !== undefined && flag.index !== known?.index) return { ...flag, createIndex }
  }
}

function tryToParse(ctx: Context, key: string, entry: Parameters<typeof parseFlag>[1]): Flag | undefined {
  try {
    return parseFlag(key, entry)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(thrown.message)
    return undefined
  }
}
