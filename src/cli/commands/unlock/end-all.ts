import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { oneLine } from '../../../base/printable.ts'
import type { Consul } from '../../../consul/consul.ts'
import { describeHolder } from '../../../lock/holder-record.ts'
import { endSessionHold, type SessionHoldChange } from '../../../unlock/end-session-hold.ts'
import { closedForMs, type SessionHold } from '../../../unlock/session-hold.ts'
import { EXIT } from '../../exit-codes.ts'
import { print } from '../../output/print.ts'
import { holderHost, lockName, toSecond } from './session-hold-lines.ts'

const NAME_LENGTH = 60

/** Ends one after the other, and tells of each. Settles with the exit code. */
export async function endAll(
  ctx: Context,
  consul: Consul,
  shown: readonly SessionHold[],
  again: readonly SessionHold[],
): Promise<number> {
  let code: number = EXIT.done
  const ended = new Set<string>()
  for (const hold of shown) {
    const { session } = hold.holder
    // Of several locks that one session holds, the others have gone with the first.
    const change = ended.has(session) ? 'none' : await endSessionHold(ctx, consul, hold, again)
    const nowMs = ctx.clock.now().wallMs
    if (change === 'none') {
      ended.add(session)
      print(`${lockName(hold)}: ${holderHost(hold)} holds it no more${closing(hold, nowMs)}`)
    } else {
      ctx.log.error(`${lockName(hold)}: ${changed(hold, change, nowMs)}; nothing is done`)
      code = EXIT.no
    }
  }
  return code
}

function closing(hold: SessionHold, nowMs: number): string {
  const closedMs = closedForMs(hold)
  if (closedMs === undefined || closedMs < 1000) return ''
  return `; closed for ${formatDuration(closedMs)}, until about ${toSecond(nowMs + closedMs)}`
}

function changed(hold: SessionHold, change: Exclude<SessionHoldChange, 'none'>, nowMs: number): string {
  if ('more' in change) {
    const more = change.more.map((name) => oneLine(name, NAME_LENGTH))
    return `the session of ${holderHost(hold)} has come to hold ${more.join(', ')}, too`
  }
  const now =
    change.now?.session === undefined ? 'nobody does now' : `now it is ${describeHolder(change.now.value, nowMs)}`
  return `${holderHost(hold)} doesn't hold it any more, ${now}`
}
