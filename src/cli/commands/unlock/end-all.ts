import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { oneLine } from '../../../base/printable.ts'
import type { Consul } from '../../../consul/consul.ts'
import { describeHolder } from '../../../lock/holder-record.ts'
import { endTenure, type TenureChange } from '../../../unlock/end-tenure.ts'
import { closedForMs, type Tenure } from '../../../unlock/tenure.ts'
import { EXIT } from '../../exit-codes.ts'
import { print } from '../../output/print.ts'
import { lockName, tenureHost, toSecond } from './tenure-lines.ts'

const NAME_LENGTH = 60

/** Ends one after the other, and tells of each. Settles with the exit code. */
export async function endAll(
  ctx: Context,
  consul: Consul,
  shown: readonly Tenure[],
  again: readonly Tenure[],
): Promise<number> {
  let code: number = EXIT.done
  const ended = new Set<string>()
  for (const tenure of shown) {
    const { session } = tenure.holder
    // Of several locks that one session holds, the others have gone with the first.
    const change = ended.has(session) ? 'none' : await endTenure(ctx, consul, tenure, again)
    const nowMs = ctx.clock.now().wallMs
    if (change === 'none') {
      ended.add(session)
      print(`${lockName(tenure)}: ${tenureHost(tenure)} holds it no more${closing(tenure, nowMs)}`)
    } else {
      ctx.log.error(`${lockName(tenure)}: ${changed(tenure, change, nowMs)}; nothing is done`)
      code = EXIT.no
    }
  }
  return code
}

function closing(tenure: Tenure, nowMs: number): string {
  const closedMs = closedForMs(tenure)
  if (closedMs === undefined || closedMs < 1000) return ''
  return `; closed for ${formatDuration(closedMs)}, until about ${toSecond(nowMs + closedMs)}`
}

function changed(tenure: Tenure, change: Exclude<TenureChange, 'none'>, nowMs: number): string {
  if ('more' in change) {
    const more = change.more.map((name) => oneLine(name, NAME_LENGTH))
    return `the session of ${tenureHost(tenure)} has come to hold ${more.join(', ')}, too`
  }
  const now =
    change.now?.session === undefined ? 'nobody does now' : `now it is ${describeHolder(change.now.value, nowMs)}`
  return `${tenureHost(tenure)} doesn't hold it any more, ${now}`
}
