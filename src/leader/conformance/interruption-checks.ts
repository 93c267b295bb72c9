import { sleep } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { GOES_ON } from '../application/handler-application.ts'
import { CALL_GRACE_MS } from '../leader-timing.ts'
import type { ApplicationCall, Leader } from '../machine/agent-state.ts'
import type { Check } from './conformance-check.ts'
import { asFarAsTold, type Subject } from './subject.ts'
import { all, broken, KEPT, untold, type Verdict } from './verdict.ts'

/**
 * After so many milliseconds a call is cut short: its first moments are where a process is begun, or a request sent.
 */
const CUTS_MS = [1, 10, 50, 200]
/** From TERM to the end of a command that had to be killed, on a machine that is busy. */
const LIMIT_MS = CALL_GRACE_MS + 5000
/** What goes on behind the agent's back shows within this. */
const AFTERMATH_MS = 1500
/** Nobody listens there: https://www.rfc-editor.org/rfc/rfc863 */
const NOBODY: Leader = { node: 'master-under-test', address: '127.0.0.1', port: 9, promoted: true }

/** Calls end halfway when the lock is lost, or another master is announced. */
export const INTERRUPTION_CHECKS: readonly Check[] = [
  {
    title: 'ensure_slave that is cut short is over, and demote succeeds after it',
    run: (ctx, subject) => cutShort(ctx, subject, 'ensure-slave', NOBODY),
  },
  {
    title: 'ensure_master that is cut short is over, and demote succeeds after it',
    run: (ctx, subject) => cutShort(ctx, subject, 'ensure-master'),
  },
]

async function cutShort(ctx: Context, subject: Subject, call: ApplicationCall, leader?: Leader): Promise<Verdict> {
  let cuts = 0
  for (const afterMs of CUTS_MS) {
    const { wasUnderWay, tookMs, message } = await subject.cut(ctx, call, afterMs, leader)
    if (wasUnderWay) cuts += 1
    if (tookMs >= LIMIT_MS || message.endsWith(GOES_ON)) return broken(`it went on for ${Math.round(tookMs)} ms`)
    const after = await all(
      () => subject.does(ctx, 'demote'),
      async () => asFarAsTold(await subject.doesNotLead(ctx)),
    )
    if (after.kind !== 'ok') return after
    if (!wasUnderWay) break
  }
  if (cuts === 0) return untold('it was over before it could be cut short')
  await sleep(ctx, AFTERMATH_MS)
  const { kind } = await subject.doesNotLead(ctx)
  return kind === 'failed' ? broken('it went on behind our back: after demote it is master') : KEPT
}
