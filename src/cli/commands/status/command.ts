import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { Consul } from '../../../consul/consul.ts'
import type { Entry } from '../../../consul/kv.ts'
import { SLOTS_LIST } from '../../../lock/lock-keys.ts'
import { pausesNow } from '../../../lock/pause-now.ts'
import { waitingInLine } from '../../../lock/queue.ts'
import { closedAmong } from '../../../overview/closed-keys.ts'
import { waiterAt } from '../../../overview/holders-and-waiters.ts'
import { whyNoLock } from '../../../overview/standing.ts'
import { knownOfLock, knownRuns } from '../../../run/history/known-runs.ts'
import { EXIT, NAGIOS_EXIT } from '../../exit-codes.ts'
import type { LockInQuestion } from '../../invocation/lock-named.ts'
import { lockQuestion } from '../../invocation/lock-question.ts'
import { tellOfLeader } from '../../invocation/tell-of-leader.ts'
import { hasColours } from '../../output/colours.ts'
import { print, printed, printLines, printText } from '../../output/print.ts'
import { judgeAge } from './age-check.ts'
import { severalHolders } from './several-holders.ts'
import { type LockStatus, statusJson, statusLines, statusTimeline } from './status-lines.ts'
import { STATUS_SYNTAX } from './syntax.ts'

/** `consul-locker status NAME` */
export const statusCommand = lockQuestion(STATUS_SYNTAX, 'status', async (ctx, consul, lock, options, environment) => {
  const { 'max-age': maxAgeMs, json } = options
  if (maxAgeMs !== undefined) return checkAge(ctx, consul, lock, maxAgeMs)
  const status = await readStatus(ctx, consul, lock.key)
  const nowMs = ctx.clock.now().wallMs
  if (json) print(statusJson(lock, status))
  else {
    printLines(statusLines(status, nowMs))
    const isFree = status.known.entry === undefined && status.several === undefined
    if (isFree && options.key === undefined) await tellOfLeader(ctx, consul, lock.name)
    const timeline = statusTimeline(status, nowMs, hasColours(environment))
    if (timeline.length > 0) printText(`\n${timeline.join('\n')}\n`)
  }
  if (!status.trouble) return EXIT.done
  await printed(ctx, EXIT.done)
  throw status.trouble
})

async function readStatus(ctx: Context, consul: Consul, key: string): Promise<LockStatus> {
  const { known, trouble } = await knownOfLock(ctx, consul, key)
  const several = await severalHolders(ctx, consul, key, known.entry)
  const lines = [key, ...(typeof several === 'object' && !key.endsWith(SLOTS_LIST) ? [`${key}${SLOTS_LIST}`] : [])]
  const line = await Promise.all(lines.map((lockKey) => waitingInLine(ctx, consul, lockKey).catch(unlessRefused)))
  return {
    known,
    trouble,
    several,
    noLock: known.entry && whyNoLock(known.entry),
    waiters: line.flat().map((entry) => waiterAt(entry, new Map())),
    pauses: await pausesNow(ctx, consul, key),
    isClosed: await isClosed(ctx, consul, known.entry),
  }
}

/** Who may see slots may not see who waits for them. */
function unlessRefused(thrown: unknown): Entry[] {
  if (thrown instanceof Failure && thrown.code === 'refused') return []
  throw thrown
}

/** Whether the lock-delay of its last holder isn't over; `false` when the token may not ask that. */
async function isClosed(ctx: Context, consul: Consul, entry: Entry | undefined): Promise<boolean> {
  if (!entry || entry.session !== undefined) return false
  return (await closedAmong(ctx, consul, [{ key: entry.key, index: entry.modifyIndex }]))?.has(entry.key) === true
}

/** Whatever goes wrong is for Nagios to see, which reads standard output. */
async function checkAge(
  ctx: Context,
  consul: Consul,
  { name, key }: LockInQuestion,
  maxAgeMs: number,
): Promise<number> {
  try {
    const known = await knownRuns(ctx, consul, key)
    const { exit, line } = judgeAge(name, known, maxAgeMs, ctx.clock.now().wallMs)
    print(line)
    return exit
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    print(`UNKNOWN: ${thrown.message.replaceAll('|', '/')}`)
    return NAGIOS_EXIT.unknown
  }
}
