import { scope, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { unlessInterrupted } from '../child/interruption.ts'
import { contend } from '../lock/contend.ts'
import { type Contest, type Held, WAIT_OVER } from '../lock/contest.ts'
import type { HolderRecord } from '../lock/record.ts'
import { enclosingSessions } from './environment.ts'
import type { Job, Outcome, World } from './job.ts'

/**
 * Settles with the lock, or with why it isn't ours: it was busy, or a signal ended the wait. A second signal doesn't
 * even wait for the clearing away; the guardian does that then. Rejects with a `Failure`.
 */
export function awaitTurn(ctx: Context, world: World, job: Job): Promise<Held | Outcome> {
  return unlessInterrupted(ctx, world.signals, async (ctx): Promise<Held | Outcome> => {
    let won: Held | 'busy' = 'busy'
    try {
      won = await contendInTime(ctx, world, job)
    } finally {
      if (won === 'busy') world.guardian.dismiss()
    }
    return won === 'busy' ? { kind: 'busy' } : won
  })
}

async function contendInTime(ctx: Context, world: World, job: Job): Promise<Held | 'busy'> {
  using wait = scope(ctx.signal)
  // Broken surroundings must not be found out when somebody has waited for the lock.
  const { failed } = world.guardian
  const giveUp = () => wait.abort(failed.reason)
  failed.addEventListener('abort', giveUp, { once: true })
  const isLimited = job.waitMs > 0 && Number.isFinite(job.waitMs)
  const cancel = isLimited ? ctx.clock.after(job.waitMs, () => wait.abort(WAIT_OVER)) : () => {}
  try {
    const won = await contend(under(ctx, wait.signal), world.consul, contestOf(world, job, wait.signal))
    if (won === 'busy' && isLimited) {
      ctx.log.notice(`${job.name} was still busy after ${formatDuration(job.waitMs)}`)
    }
    return won
  } finally {
    cancel()
    failed.removeEventListener('abort', giveUp)
  }
}

function contestOf(world: World, job: Job, signal: AbortSignal): Contest {
  const { name, key, timing, recorded: command, runId } = job
  return {
    name,
    key,
    timing,
    sessionName: `consul-locker ${name} ${runId}`,
    record: (nowMs) => {
      const since = new Date(nowMs).toISOString()
      const record: HolderRecord = { ...world.self(), command, since, runId, lockDelayMs: timing.lockDelayMs }
      return JSON.stringify(record)
    },
    once: job.waitMs === 0,
    ancestors: enclosingSessions(job.environment),
    onSession: (id) => {
      world.guardian.answerFor(id)
      return unlessAborted(signal, world.guardian.ready())
    },
  }
}
