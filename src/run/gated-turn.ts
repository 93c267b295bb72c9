import { lingering } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { unlessInterrupted } from '../child/interruption.ts'
import { claim } from '../lock/claim.ts'
import { type Held, LINGER_MS } from '../lock/contest.ts'
import { release } from '../lock/release.ts'
import type { AwaitGates, Job, Outcome, World } from './job.ts'
import { awaitTurn } from './turn.ts'

/** So much of a lease must be left to start a command, as a part of its TTL. */
const ENOUGH = 1 / 4
const ONCE = 0

/**
 * Waits for the gates, then for the lock, both within the job's time to wait: who isn't ready keeps nobody from the
 * lock. The wait for it may be long, so the gates are looked at once more when it is ours; if one has shut meanwhile,
 * the lock is given back and all begins again. Settles and rejects as `awaitTurn` does.
 */
export async function awaitGatedTurn(ctx: Context, world: World, job: Job): Promise<Held | Outcome> {
  const { guardian, consul, gatesBefore = alwaysOpen } = world
  const beganAt = ctx.clock.now()
  const leftMs = () => (job.waitMs === 0 ? 0 : Math.max(1, job.waitMs - ctx.clock.since(beganAt)))
  for (;;) {
    const shut = await whyShut(ctx, world, gatesBefore, leftMs())
    if (shut) return shut
    const turn = await awaitTurn(ctx, world, { ...job, waitMs: leftMs() })
    if ('kind' in turn) return turn
    const sure = await unlessInterrupted(ctx, world.signals, (ctx) => madeSure(ctx, world, gatesBefore, job, turn))
    if (sure && !('kind' in sure)) return sure
    await release(ctx, consul, turn.session, turn.stake)
    if (sure) {
      guardian.dismiss()
      return sure
    }
    ctx.log.notice(`a gate before ${job.name} has shut while it waited for the lock; waiting again`)
  }
}

const alwaysOpen: AwaitGates = async () => []

/** Settles with why the command can't start; `undefined` when the gates are open. */
async function whyShut(
  ctx: Context,
  { signals, guardian }: World,
  gatesBefore: AwaitGates,
  timeoutMs: number,
): Promise<Outcome | undefined> {
  let isOpen = false
  try {
    const end = await unlessInterrupted(ctx, signals, (ctx) => gatesBefore(ctx, timeoutMs))
    if ('kind' in end) return end
    isOpen = end.length === 0
    return isOpen ? undefined : { kind: 'unready', missing: end }
  } finally {
    if (!isOpen) guardian.dismiss()
  }
}

/** Looks again, and then whether the lock is still ours: looking may take its time. `undefined` when not all is well. */
async function madeSure(
  ctx: Context,
  { consul }: World,
  gatesBefore: AwaitGates,
  { timing }: Job,
  held: Held,
): Promise<Held | undefined> {
  try {
    const missing = await gatesBefore(ctx, ONCE)
    if (missing.length > 0) return undefined
    const again = await lingering(ctx, LINGER_MS, (ctx) => claim(ctx, consul, held.stake, 'ours'))
    const isOurs = again.kind === 'held' && held.session.leaseLeftMs() > timing.ttlMs * ENOUGH
    return isOurs ? { ...held, fence: again.fence } : undefined
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.debug(`the gates could not be looked at again: ${thrown.message}`)
    return undefined
  }
}
