import { scope, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { ENDS_A_WAIT, stopSelf } from '../child/signals.ts'
import { contend, WAIT_OVER } from '../lock/contend.ts'
import type { Contest, Held } from '../lock/contest.ts'
import type { HolderRecord } from '../lock/record.ts'
import { enclosingSessions } from './environment.ts'
import type { Job, Outcome, World } from './job.ts'

/**
 * Settles with the lock, or with why it isn't ours: it was busy, or a signal ended the wait. A second signal doesn't
 * even wait for the clearing away; the guardian does that then. Rejects with a `Failure`.
 */
export async function awaitTurn(ctx: Context, world: World, job: Job): Promise<Held | Outcome> {
  using wait = scope(ctx.signal)
  using hurry = scope(ctx.signal)
  let interruption: Outcome | undefined
  using _listening = world.signals.listen((signal) => {
    if (signal === 'SIGTSTP') stopSelf()
    if (!ENDS_A_WAIT.includes(signal)) return
    if (interruption) hurry.abort(interruption)
    interruption ??= { kind: 'interrupted', signal }
    wait.abort(interruption)
  })
  const limited = job.waitMs > 0 && Number.isFinite(job.waitMs)
  const cancel = limited ? ctx.clock.after(job.waitMs, () => wait.abort(WAIT_OVER)) : () => {}
  try {
    const contest = contestOf(world, job)
    const won = await unlessAborted(hurry.signal, contend(under(ctx, wait.signal), world.consul, contest))
    if (won !== 'busy') return won
    if (limited) ctx.log.notice(`${job.name} was still busy after ${formatDuration(job.waitMs)}`)
    world.guardian.dismiss()
    return { kind: 'busy' }
  } catch (thrown) {
    if (!hurry.signal.aborted) world.guardian.dismiss()
    if (interruption && thrown === interruption) return interruption
    throw thrown
  } finally {
    cancel()
  }
}

function contestOf(world: World, job: Job): Contest {
  const { name, key, timing, command, runId } = job
  return {
    name,
    key,
    timing,
    sessionName: `consul-locker ${name}`,
    record: (nowMs) => {
      const since = new Date(nowMs).toISOString()
      const record: HolderRecord = { ...world.self, command, since, runId, lockDelayMs: timing.lockDelayMs }
      return JSON.stringify(record)
    },
    once: job.waitMs === 0,
    ancestors: enclosingSessions(job.environment),
    onSession: (id) => world.guardian.answerFor(id),
  }
}
