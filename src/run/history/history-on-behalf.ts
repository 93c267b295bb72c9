import type { Context } from '../../base/context.ts'
import { Failure, type FailureCode } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import { readKey } from '../../consul/kv.ts'
import type { TxnOp } from '../../consul/txn.ts'
import type { HeldKey } from '../../lock/claim.ts'
import { endIn } from './run-end.ts'
import { encodeRuns, parseRuns, runsKey, withRuns } from './runs-record.ts'
import { carriedIn, runIn } from './unended-runs.ts'

/** What no further try changes; the lock is given back all the same. */
const CLEAR: readonly FailureCode[] = ['refused', 'rejected', 'too-large']

/**
 * What rides with the release of a dead runner's lock: the entries of those that it carried on, and its own run's, as
 * far as the holder record tells of it, by the word that its guardian was told. Nothing when that isn't a run's lock,
 * or when the token may not read it. Rejects with a `Failure` that may pass. Where several hold `lockKey` at a time,
 * `key` is that of this holder's own.
 */
export async function historyOnBehalf(
  ctx: Context,
  consul: Consul,
  { key, sessionId }: HeldKey,
  word: string,
  lockKey = key,
): Promise<readonly TxnOp[]> {
  const end = endIn(word)
  try {
    const { entry: held } = await readKey(ctx, consul, key, { consistent: true })
    const run = held?.session === sessionId ? runIn(held.value) : undefined
    if (held === undefined || run === undefined) return []
    const ranMs = Math.round(Math.max(0, ctx.clock.now().wallMs - Date.parse(run.start)))
    const ended = end && { ...run, fence: held.modifyIndex, ...(end.killed && { ranMs }), ...end }
    const added = [...carriedIn(held.value), ...(ended ? [ended] : [])]
    if (added.length === 0) return []
    const { entry } = await readKey(ctx, consul, runsKey(lockKey), { consistent: true })
    const before = parseRuns(entry?.value ?? '')
    if (before === 'unreadable') return []
    return [{ verb: 'set', key: runsKey(lockKey), value: encodeRuns(withRuns(before, added)) }]
  } catch (thrown) {
    if (!(thrown instanceof Failure) || !CLEAR.includes(thrown.code)) throw thrown
    ctx.log.debug(`the run is not recorded: ${thrown.message}`)
    return []
  }
}
