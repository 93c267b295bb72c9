import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { type Flag, type FlagValue, parseFlag } from './flags.ts'

/** A flag that has changed. */
export interface Transition {
  readonly from: FlagValue
  readonly to: FlagValue
}

const LONG_POLL_MS = 30_000

/** Why a wait for a value ended without it. */
export const WAIT_OVER = Symbol('the time to wait for the flag is over')

/**
 * Calls `react` for every change of a flag, one after the other; what changes meanwhile is one change to it. The NULL
 * that stands at the beginning is none; a START or WAIT that does is, for its node may not have heard of it. Outages of
 * Consul are sat out. Never settles; rejects with a `Failure` that doesn't pass, or with the signal's reason.
 */
export async function watchFlag(
  ctx: Context,
  consul: Consul,
  key: string,
  react: (ctx: Context, transition: Transition) => Promise<void>,
): Promise<never> {
  let known: Flag | undefined
  for (;;) {
    const flag = await nextFlag(ctx, consul, key, known)
    const from = known?.value ?? 'NULL'
    if (known === undefined ? flag.value !== 'NULL' : isTransition(known, flag))
      await react(ctx, { from, to: flag.value })
    known = flag
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

/** A key that comes into being with NULL in it says no more than its absence did. */
function isTransition(known: Flag, flag: Flag): boolean {
  return known.value !== flag.value || flag.value !== 'NULL' || known.index !== 0
}

/** The flag, once it differs from the known one. Words that are no flag are told of and passed over. */
async function nextFlag(ctx: Context, consul: Consul, key: string, known: Flag | undefined): Promise<Flag> {
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
    if (flag !== undefined && flag.index !== known?.index) return flag
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
