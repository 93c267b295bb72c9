import { AbortReason, withTimeout } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { type Flag, type FlagValue, parseFlag } from './flags.ts'
import type { WatchCheckpoint } from './watch-checkpoint.ts'

/** A flag that has changed. */
export interface FlagChange {
  readonly from: FlagValue
  readonly to: FlagValue
}

/** With the index at which its key came into being. */
interface WatchedFlag extends Flag {
  readonly createIndex: number
}

/** So often is tried again what fails. */
const AGAIN_FIRST_MS = 2000
const AGAIN_MAX_MS = 60_000
const UNCHANGED = new AbortReason('the flag is the same')

/** Why a wait for a value ended without it. */
export const FLAG_WAIT_OVER = new AbortReason('the time to wait for the flag is over')

/**
 * Calls `react` for every change of a flag, one after the other; what changes meanwhile, or while nobody watches, is
 * one change to it. The NULL that stands when a watch begins for the first time is none; a START or WAIT that does is,
 * for its node may not have heard of it. What `react` settles with `false` for is tried again until the flag changes;
 * that, and what we die in, isn't remembered as dealt with: the next watch begins with it, or with what has become of
 * it. Outages of Consul are sat out. Never settles; rejects with a `Failure` that doesn't pass, or with the signal's
 * reason.
 */
export async function watchFlag(
  ctx: Context,
  consul: Consul,
  key: string,
  memory: WatchCheckpoint,
  react: (ctx: Context, transition: FlagChange) => Promise<boolean>,
): Promise<never> {
  let { known, isInterrupted } = await memory.load(ctx)
  for (;;) {
    const flag = await nextFlag(ctx, consul, key, isInterrupted ? undefined : known)
    const isNews = isInterrupted || isTransition(known, flag)
    if (isNews) await memory.begin(ctx, known)
    const isDealtWith =
      !isNews ||
      (await untilChanged(ctx, consul, key, flag, (ctx) =>
        react(ctx, { from: known?.value ?? 'NULL', to: flag.value }),
      ))
    if (isDealtWith) await memory.save(ctx, flag)
    known = flag
    isInterrupted = false
  }
}

/** Tries a reaction until it succeeds, or the flag is another one; settles with whether it has succeeded. */
async function untilChanged(
  ctx: Context,
  consul: Consul,
  key: string,
  flag: Flag,
  reaction: (ctx: Context) => Promise<boolean>,
): Promise<boolean> {
  const backoff = new Backoff(ctx.random, AGAIN_FIRST_MS, AGAIN_MAX_MS)
  while (!(await reaction(ctx))) {
    try {
      await withTimeout(
        ctx,
        backoff.next(),
        () => UNCHANGED,
        (ctx) => nextFlag(ctx, consul, key, flag),
      )
      return false
    } catch (thrown) {
      if (thrown !== UNCHANGED) throw thrown
    }
  }
  return true
}

/** Waits until a flag has a value; rejects with the signal's reason when that aborts first. */
export async function awaitFlag(
  ctx: Context,
  consul: Consul,
  key: string,
  value: FlagValue,
  retry: Retry,
): Promise<void> {
  let known: Flag | undefined
  for (;;) {
    known = await nextFlag(ctx, consul, key, known, retry)
    if (known.value === value) return
  }
}

/** A NULL that was written over a NULL may be all that is seen of a switch; one in a new key says nothing. */
function isTransition(known: Flag | undefined, flag: WatchedFlag): boolean {
  if (flag.value !== 'NULL' || (known !== undefined && known.value !== 'NULL')) return true
  return known !== undefined && flag.createIndex <= known.index && known.index < flag.index
}

/** The flag, once it differs from the known one. Words that are no flag are told of and passed over. */
async function nextFlag(
  ctx: Context,
  consul: Consul,
  key: string,
  known: Flag | undefined,
  retry = new Retry(consul),
): Promise<WatchedFlag> {
  const query = new BlockingQuery((ctx, from) => readKey(ctx, consul, key, { ...from, consistent: true }))
  for (;;) {
    const { entry } = await retry.until(ctx, () => query.next(ctx))
    const flag = tryToParse(ctx, key, entry)
    const createIndex = entry?.createIndex ?? Number.POSITIVE_INFINITY
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
