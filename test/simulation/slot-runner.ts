import { aborted, firstOf, unlessAborted } from '../../src/base/abort.ts'
import { Failure } from '../../src/base/failure.ts'
import { GUARDIAN_SLACK_MS } from '../../src/lock/deadline.ts'
import { Hold } from '../../src/lock/hold.ts'
import type { Loss } from '../../src/lock/loss.ts'
import { Opening } from '../../src/lock/opening.ts'
import { HEIR_MS } from '../../src/lock/release.ts'
import type { Session } from '../../src/lock/session.ts'
import { leaveSlots, takeSlot } from '../../src/lock/slots.ts'
import { SimulatedCommand } from './command.ts'
import type { PlannedRun } from './schedule.ts'
import type { SlotSeat } from './slot-story.ts'

export const FOLDER = 'semaphore/'

const FAREWELL_MS = 2000

/** One life of a contender for a slot: as a step of a rollout leads it, with one command. Settles when it is over. */
export async function liveOnce(seat: SlotSeat, plan: PlannedRun, limit: number): Promise<void> {
  const { ctx, consul, guardian } = seat
  const { timing } = plan
  const opening = new Opening(consul, { name: seat.name, timing })
  let session: Session | undefined
  let isGivenBack = false
  try {
    session = await opening.open(ctx)
    guardian.answerFor(session.id)
    const semaphore = { name: 'the semaphore', folder: FOLDER.slice(0, -1), limit }
    const contest = { timing, record: () => `{"lockDelayMs":${timing.lockDelayMs}}`, once: plan.waitMs === 0 }
    const held = await takeSlot(ctx, consul, session, semaphore, contest)
    if (typeof held === 'string') return
    const hold = new Hold(ctx, consul, held)
    await work(seat, plan, session, hold, held.fence)
    guardian.disarm()
    await hold.end()
    session.end()
    isGivenBack = await leaveSlots(ctx, consul, FOLDER, session.id, Math.max(FAREWELL_MS, session.leaseLeftMs()))
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
  } finally {
    session?.end()
    if (!session) await opening.abandon(ctx)
    else if (!isGivenBack) isGivenBack = await leaveSlots(ctx, consul, FOLDER, session.id, FAREWELL_MS)
    if (isGivenBack || !session) guardian.dismiss()
    else guardian.linger()
  }
}

async function work(seat: SlotSeat, plan: PlannedRun, session: Session, hold: Hold, fence: number): Promise<void> {
  const { ctx, guardian, stage, process } = seat
  const command = new SimulatedCommand(stage.time, process, plan.script, stage.ledger, seat.name, fence)
  guardian.command = command
  const arm = () => guardian.arm(command.group, session.leaseLeftMs() + GUARDIAN_SLACK_MS)
  arm()
  session.onRenewed(arm)
  const loss = await firstOf<Loss | undefined>(ctx, [
    async (ctx) => void (await unlessAborted(ctx.signal, command.exited)),
    async (ctx) => (await unlessAborted(ctx.signal, aborted(hold.lost))) as Loss,
  ])
  session.onRenewed(() => {})
  if (loss) await command.stop(ctx, session.graceLeftMs(loss))
}

/** What the guardian has done for a dead runner. */
export function giveBackFor(seat: Pick<SlotSeat, 'ctx' | 'consul'>, sessionId: string): Promise<unknown> {
  return leaveSlots(seat.ctx, seat.consul, FOLDER, sessionId, HEIR_MS)
}
