import { aborted, firstOf, unlessAborted } from '../../src/base/abort.ts'
import type { Context } from '../../src/base/context.ts'
import { Failure } from '../../src/base/failure.ts'
import type { Consul } from '../../src/consul/consul.ts'
import { Hold } from '../../src/lock/hold.ts'
import { GUARDIAN_SLACK_MS } from '../../src/lock/lease-timing.ts'
import type { Loss } from '../../src/lock/loss.ts'
import { ON_BEHALF_MS } from '../../src/lock/release.ts'
import { ownSteps, reserveStep } from '../../src/lock/reservation.ts'
import type { Session } from '../../src/lock/session.ts'
import { SessionCreation } from '../../src/lock/session-creation.ts'
import { acquireSlot, type HeldSlot, releaseSlots } from '../../src/lock/slot-locks.ts'
import { writeFenced } from '../../src/rollout/fenced-write.ts'
import type { VirtualClock } from '../virtual/virtual-clock.ts'
import { SimulatedCommand } from './command.ts'
import type { SimulatedGuardian } from './guardian.ts'
import type { LeaseWitness } from './lease-witness.ts'
import type { SimulatedProcess } from './process.ts'
import type { PlannedRun } from './schedule.ts'
import type { SlotLedger } from './slot-ledger.ts'

export const FOLDER = 'semaphore/'

/** A contender's process, and what it has. */
export interface SlotSeat {
  readonly name: string
  readonly stage: { readonly time: VirtualClock; readonly ledger: SlotLedger }
  readonly process: SimulatedProcess
  readonly guardian: SimulatedGuardian
  readonly ctx: Context
  readonly consul: Consul
  readonly witness: LeaseWitness
}

const FAREWELL_MS = 2000

/** A host whose upgrade reboots it, with the slot kept meanwhile. */
export interface Rebooting {
  readonly host: string
  /** It comes back, takes the slot that was kept, and gives it back after the command. */
  readonly isBack: boolean
  /** The host may go down now. */
  readonly onKept: () => void
  /** Its slots are its session's, and it hasn't said yet that it is at work. */
  readonly onTaken: () => void
  /** Consul has answered, so what the host has said may stand there, whether it hears of that or not. */
  readonly onAnswered: () => unknown
}

/** Where a host says which of its lives is at work: then nobody waits for its return any more. */
export function wordOf(host: string): string {
  return `at-work/${host}`
}

/** How a life ended: no slot was free, something went wrong, the slot is kept, or given back after the command. */
export type LifeEnd = 'busy' | 'broken' | 'kept' | 'done'

/** One life of a contender for a slot: as a step of a rollout leads it, with one command. Settles when it is over. */
export async function liveOnce(
  seat: SlotSeat,
  plan: PlannedRun,
  limit: number,
  rebooting?: Rebooting,
): Promise<LifeEnd> {
  const { ctx, consul, guardian } = seat
  const { timing } = plan
  const opening = new SessionCreation(consul, { name: seat.name, timing })
  let session: Session | undefined
  let isGivenBack = false
  try {
    session = await opening.attempt(ctx)
    guardian.setSession(session.id)
    const semaphore = { name: 'the semaphore', folder: FOLDER.slice(0, -1), limit, ...ownerOf(rebooting) }
    const options = { timing, record: () => `{"lockDelayMs":${timing.lockDelayMs}}`, once: plan.waitMs === 0 }
    const own = rebooting && (await acquireSlot(ctx, consul, session, ownSlot(rebooting), options))
    if (typeof own === 'string') return 'busy'
    const held = await acquireSlot(ctx, consul, session, semaphore, options)
    if (typeof held === 'string') return 'busy'
    const holds = [held, ...(own ? [own] : [])].map((slot) => new Hold(ctx, consul, slot))
    const isAtWork = !own || ((await beginWork(seat, [own, held], rebooting)) && session.leaseLeftMs() > 0)
    const isDone = isAtWork && !(await work(seat, plan, session, holds, held.fence))
    guardian.disarm()
    let end: LifeEnd = isDone ? 'done' : 'broken'
    if (isDone && own && !rebooting.isBack) end = await keep(seat, holds, [own, held], rebooting)
    for (const hold of holds) await hold.end()
    session.end()
    isGivenBack = await releaseSlots(ctx, consul, FOLDER, session.id, Math.max(FAREWELL_MS, session.leaseLeftMs()))
    return end
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return 'broken'
  } finally {
    session?.end()
    if (!session) await opening.abandon(ctx)
    else if (!isGivenBack) isGivenBack = await releaseSlots(ctx, consul, FOLDER, session.id, FAREWELL_MS)
    if (isGivenBack || !session) guardian.dismiss()
    else guardian.handOver()
  }
}

/** As a step does before its first command. */
async function beginWork(
  { ctx, consul, name }: SlotSeat,
  slots: readonly [HeldSlot, HeldSlot],
  { host, onTaken }: Rebooting,
): Promise<boolean> {
  const [{ key, sessionId }] = slots
  onTaken()
  const word = { verb: 'set', key: wordOf(host), value: name } as const
  const steps = [word, ...slots.filter(({ wasKept }) => wasKept).flatMap(ownSteps)]
  return (await writeFenced(ctx, consul, { key, sessionId }, steps)) === undefined
}

function ownerOf(rebooting: Rebooting | undefined): { owner?: string } {
  return rebooting ? { owner: rebooting.host } : {}
}

/** One step of a host at a time; what an earlier one has sent late finds this slot in other hands. */
function ownSlot({ host }: Rebooting) {
  return { name: host, folder: `${FOLDER}host/${host}`, limit: 1, owner: host }
}

/** As a step does before it reboots its host. */
async function keep(
  { ctx, consul }: SlotSeat,
  holds: readonly Hold[],
  slots: readonly [HeldSlot, HeldSlot],
  rebooting: Rebooting,
): Promise<LifeEnd> {
  const [{ key, session }] = slots
  for (const hold of holds) hold.expectEnd()
  const steps = slots.map((slot) => reserveStep(slot.key, session.id, rebooting.host, {}))
  const refusal = await writeFenced(ctx, consul, { key, sessionId: session.id }, steps)
  if (refusal !== undefined) return 'broken'
  rebooting.onKept()
  return 'kept'
}

async function work(
  seat: SlotSeat,
  plan: PlannedRun,
  session: Session,
  holds: readonly Hold[],
  fence: number,
): Promise<Loss | undefined> {
  const { ctx, guardian, stage, process, witness } = seat
  const { ttlMs, graceMs } = plan.timing
  const overdueMs = () => witness.unconfirmedMs(session.id) - ttlMs - graceMs
  const command = new SimulatedCommand(stage.time, process, plan.script, stage.ledger, seat.name, fence, overdueMs)
  guardian.command = command
  const arm = () => guardian.arm(command.group, session.leaseLeftMs() + GUARDIAN_SLACK_MS)
  arm()
  session.onRenewed(arm)
  const loss = await firstOf<Loss | undefined>(ctx, [
    async (ctx) => void (await unlessAborted(ctx.signal, command.exited)),
    ...holds.map((hold) => async (ctx: Context) => (await unlessAborted(ctx.signal, aborted(hold.lost))) as Loss),
  ])
  session.onRenewed(() => {})
  if (loss) await command.stop(ctx, session.graceLeftMs(loss))
  return loss
}

/** What the guardian has done for a dead runner. */
export function giveBackFor(seat: Pick<SlotSeat, 'ctx' | 'consul'>, sessionId: string): Promise<unknown> {
  return releaseSlots(seat.ctx, seat.consul, FOLDER, sessionId, ON_BEHALF_MS)
}
