import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { Consul } from '../../../consul/consul.ts'
import { pausesNow } from '../../../lock/pause-now.ts'
import { waitersOf } from '../../../lock/queue.ts'
import { knownRuns } from '../../../run/history/known-runs.ts'
import { NAGIOS_EXIT } from '../../exit-codes.ts'
import { type LockInQuestion, lockQuestion } from '../../invocation/lock-question.ts'
import { print, printLines } from '../../output/print.ts'
import { judgeAge } from './age-check.ts'
import { severalHolders } from './several-holders.ts'
import { statusJson, statusLines } from './status-lines.ts'
import { STATUS_SYNTAX } from './syntax.ts'

/** `consul-locker status NAME` */
export const statusCommand = lockQuestion(STATUS_SYNTAX, 'status', async (ctx, consul, lock, options) => {
  const { 'max-age': maxAgeMs, json } = options
  if (maxAgeMs !== undefined) return checkAge(ctx, consul, lock, maxAgeMs)
  const known = await knownRuns(ctx, consul, lock.key)
  const several = await severalHolders(ctx, consul, lock.key, known.entry)
  const inLine = await waitersOf(ctx, consul, lock.key)
  const waiters = inLine + (typeof several === 'object' ? several.waiting : 0)
  const pauses = await pausesNow(ctx, consul, lock.key)
  const status = { known, several, waiters, pauses }
  return json ? print(statusJson(lock, status)) : printLines(statusLines(status, ctx.clock.now().wallMs))
})

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
