import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { messageOf } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { bootstrapHost, viewUnlessBootstrap } from './bootstrap.ts'
import { recordNode } from './host-nodes.ts'
import type { HostRollout } from './host-rollout.ts'
import { type HostView, readHostView } from './host-view.ts'
import { NO_SLOT, nextMove } from './next-move.ts'
import { rebootHost } from './reboot.ts'
import { decideStep } from './step-decision.ts'
import { upgradeHost } from './upgrade.ts'
import { UpgradePermit } from './upgrade-permit.ts'
import { validateAndFix } from './validate-and-fix.ts'
import { type StepEnd, withPermit } from './with-permit.ts'

/**
 * One step of this host in the rollout, as far as it may go now: upgrades when it may, and validates what runs
 * otherwise. Safe to be called every minute and killed at any point: the next step goes on from what is written.
 * Rejects with a `Failure` or the signal's reason.
 */
export async function takeHostStep(ctx: Context, rollout: HostRollout, runId = randomId()): Promise<StepEnd> {
  const first = await viewUnlessBootstrap(ctx, rollout)
  if (first === undefined) return bootstrapHost(ctx, rollout)
  await recordNode(ctx, rollout.consul, rollout.keys, first.records.nodes, { host: rollout.host, node: first.node })
  const end = await oneStep(ctx, rollout, first, runId)
  const { target } = first.facts
  // What has stopped a rollout is told every time, and a window is planned.
  if (end.kind !== 'waiting' || end.waitsFor === 'window') rollout.wait.end()
  else if (target !== undefined && end.waitsFor !== 'failures') tellLongWait(ctx, rollout, target, end.why)
  return end
}

async function oneStep(ctx: Context, rollout: HostRollout, first: HostView, runId: string): Promise<StepEnd> {
  const move = await nextMove(ctx, rollout, first)
  switch (move.kind) {
    case 'bootstrap':
      return bootstrapHost(ctx, rollout)
    case 'untriggered':
      return { kind: 'idle', why: `no version was triggered yet (${rollout.keys.current} is not set)` }
    case 'validate':
      return validateAndFix(ctx, rollout, first, { mayFix: true, runId })
    case 'waiting':
      return validateWhileWaiting(ctx, rollout, first, move, runId)
    case 'reboot':
      return rebootHost(ctx, rollout, move.version, move.backByMs)
    case 'upgrade':
      return upgradeInSlot(ctx, rollout, first, move.version, runId)
  }
}

async function upgradeInSlot(
  ctx: Context,
  rollout: HostRollout,
  first: HostView,
  version: string,
  runId: string,
): Promise<StepEnd> {
  const permit = await UpgradePermit.take(ctx, rollout, first.facts.limits, runId, ['rollout', 'step', version])
  if (!permit) return validateWhileWaiting(ctx, rollout, first, NO_SLOT, runId)
  const end = await withPermit(ctx, rollout, permit, { version, runId }, async (ctx, work) => {
    // What was seen before the slot was ours may have changed: somebody may have failed in it.
    const now = await readHostView(ctx, rollout)
    const latest = decideStep(now.facts)
    if (latest.kind === 'upgrade' && latest.version === version) return upgradeHost(ctx, work, now, version)
    return latest.kind === 'wait'
      ? { kind: 'waiting', why: latest.why, waitsFor: latest.for }
      : { kind: 'waiting', why: 'another version was triggered meanwhile' }
  })
  // The permit is given back by now: the slots are kept, and nothing of ours may run when the host goes down.
  return end.backByMs === undefined ? end : rebootHost(ctx, rollout, version, end.backByMs)
}

/** A host that waits still tells how it is, unless it is halfway between two versions. */
async function validateWhileWaiting(
  ctx: Context,
  rollout: HostRollout,
  view: HostView,
  wait: StepEnd,
  runId: string,
): Promise<StepEnd> {
  const { local, interrupted } = view.facts
  if (local === '' || interrupted !== '') return wait
  const end = await validateAndFix(ctx, rollout, view, { mayFix: false, runId })
  return end.kind === 'idle' ? wait : end
}

/** A wait is news; that it takes long is a warning. */
function tellLongWait(ctx: Context, rollout: HostRollout, version: string, why: string): void {
  try {
    const waitedMs = rollout.wait.note(version, ctx.clock.now().wallMs)
    if (waitedMs === undefined) return
    ctx.log.warn(`${rollout.host} has waited for ${version} for ${formatDuration(waitedMs)}: ${why}`)
  } catch (thrown) {
    ctx.log.debug(`how long this host waits can't be noted: ${messageOf(thrown)}`)
  }
}
