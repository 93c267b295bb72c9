import { aborted, scope, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import type { Child } from '../child/child.ts'
import { type ForwardedSignal, stopSelf } from '../child/signals.ts'
import { contend, type Held, WAIT_OVER } from '../lock/contend.ts'
import { Hold } from '../lock/hold.ts'
import type { Loss } from '../lock/loss.ts'
import { release } from '../lock/release.ts'
import { childEnvironment, enclosingSessions } from './environment.ts'
import type { Job, Outcome, Result, World } from './job.ts'
import { Relay } from './relay.ts'

/**
 * Waits for the lock, runs the command while we hold it, gives the lock back. Rejects with a `Failure` when that can't
 * be done; then the command did not start. When it settles, nothing of ours is left at Consul unless a warning said so.
 */
export async function run(ctx: Context, world: World, job: Job): Promise<Result> {
  const beganAt = ctx.clock.now()
  const turn = await awaitTurn(ctx, world, job)
  const waitedMs = ctx.clock.since(beganAt)
  if ('kind' in turn) return { outcome: turn, waitedMs }
  return { ...(await runHolding(ctx, world, job, turn)), waitedMs }
}

const ENDS_A_WAIT: readonly ForwardedSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

async function awaitTurn(ctx: Context, world: World, job: Job): Promise<Held | Outcome> {
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
    const won = await unlessAborted(
      hurry.signal,
      contend(under(ctx, wait.signal), world.consul, contestOf(ctx, world, job)),
    )
    if (won !== 'busy') return won
    if (job.waitMs > 0) ctx.log.notice(`${job.name} was still busy after ${formatDuration(job.waitMs)}`)
    return { kind: 'busy' }
  } catch (thrown) {
    if (interruption && thrown === interruption) return interruption
    throw thrown
  } finally {
    cancel()
  }
}

function contestOf(ctx: Context, world: World, job: Job) {
  const { name, key, timing, command, runId } = job
  const since = new Date(ctx.clock.now().wallMs).toISOString()
  return {
    name,
    key,
    timing,
    sessionName: `consul-locker ${name}`,
    value: JSON.stringify({ ...world.self, command, since, runId, lockDelayMs: timing.lockDelayMs }),
    once: job.waitMs === 0,
    ancestors: enclosingSessions(job.environment),
  }
}

async function runHolding(ctx: Context, world: World, job: Job, held: Held): Promise<Omit<Result, 'waitedMs'>> {
  const hold = new Hold(ctx, world.consul, held)
  const beganAt = ctx.clock.now()
  let mayRelease = true
  try {
    using relay = new Relay(world.signals)
    const child = await world.launch(childEnvironment(job, held))
    relay.to(child)
    const end = await Promise.race([ended(child), lost(hold)])
    if (end.kind === 'lost') mayRelease = await stop(ctx, child, job, end.loss)
    return { outcome: end, fence: hold.fence, ranMs: ctx.clock.since(beganAt) }
  } finally {
    await hold.end()
    if (mayRelease) await release(ctx, world.consul, held.session, held.stake)
    else held.session.end()
  }
}

async function ended(child: Child): Promise<Outcome> {
  return { kind: 'ran', status: await child.exited }
}

async function lost(hold: Hold): Promise<Outcome & { kind: 'lost' }> {
  return { kind: 'lost', loss: (await aborted(hold.lost)) as Loss }
}

/** Settles with whether the group is dead: a group that lives on must never be followed by a release. */
async function stop(ctx: Context, child: Child, job: Job, loss: Loss): Promise<boolean> {
  ctx.log.warn(`lost the lock ${job.name}: ${loss.sentence}; stopping the command`, { loss: loss.kind })
  const dead = await child.stop(ctx, job.timing.graceMs)
  if (!dead) ctx.log.error(`the command can't be killed (process group ${child.group}); its session is left to expire`)
  return dead
}
