import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { messageOf } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { awaitGates } from '../gate/await-gates.ts'
import { describeMissing } from '../gate/missing-line.ts'
import { decide } from './decision.ts'
import { type Survey, survey } from './facts.ts'
import { isBack } from './in-progress.ts'
import { lookAfter } from './look-after.ts'
import { recordNode } from './nodes.ts'
import { reboot } from './reboot.ts'
import type { Site } from './site.ts'
import { Turn } from './turn.ts'
import { upgrade } from './upgrade.ts'
import { atWork, type Ending } from './works.ts'

/**
 * One step of this host in the rollout, as far as it may go now: upgrades when it is its turn, and looks after what
 * runs otherwise. Safe to be called every minute and killed at any point: the next step goes on from what is written.
 * Rejects with a `Failure` or the signal's reason.
 */
export async function step(ctx: Context, site: Site, runId = randomId()): Promise<Ending> {
  const first = await survey(ctx, site)
  await recordNode(ctx, site.consul, site.keys, first.ledger.nodes, { host: site.host, node: first.node })
  const ending = await oneStep(ctx, site, first, runId)
  const { target } = first.facts
  if (ending.kind !== 'waiting') site.wait.end()
  else if (target !== undefined && !ending.isStopped) tellLongWait(ctx, site, target, ending.why)
  return ending
}

async function oneStep(ctx: Context, site: Site, first: Survey, runId: string): Promise<Ending> {
  const decision = decide(first.facts)
  if (decision.kind === 'untriggered') {
    return { kind: 'idle', why: `no version was triggered yet (${site.keys.current} is not set)` }
  }
  if (decision.kind === 'up-to-date') return lookAfter(ctx, site, first, { mayFix: true, runId })
  if (decision.kind === 'wait') return meanwhile(ctx, site, first, waiting(decision), runId)
  const begun = first.ledger.inProgress.get(site.host)
  if (begun?.backByMs !== undefined && begun.version === decision.version && !isBack(begun)) {
    return reboot(ctx, site, decision.version, begun.backByMs)
  }
  const shut = await shutGates(ctx, site)
  if (shut !== undefined) return meanwhile(ctx, site, first, { kind: 'waiting', why: shut }, runId)
  const turn = await Turn.take(ctx, site, runId, ['rollout', 'step', decision.version])
  if (!turn) return meanwhile(ctx, site, first, { kind: 'waiting', why: 'no slot is free' }, runId)
  const ending = await atWork(ctx, site, turn, { version: decision.version, runId }, async (ctx, work) => {
    // What was seen before the slot was ours may have changed: somebody may have failed in it.
    const now = await survey(ctx, site)
    const anew = decide(now.facts)
    if (anew.kind === 'upgrade' && anew.version === decision.version) return upgrade(ctx, work, now, anew.version)
    return anew.kind === 'wait' ? waiting(anew) : { kind: 'waiting', why: 'another version was triggered meanwhile' }
  })
  // The turn is over by now: the slots are kept, and nothing of ours may run when the host goes down.
  return ending.backByMs === undefined ? ending : reboot(ctx, site, decision.version, ending.backByMs)
}

function waiting(decision: Extract<ReturnType<typeof decide>, { kind: 'wait' }>): Ending {
  return { kind: 'waiting', why: decision.why, isStopped: decision.for === 'failures' }
}

/** A host that waits still tells how it is, unless it is halfway between two versions. */
async function meanwhile(ctx: Context, site: Site, seen: Survey, wait: Ending, runId: string): Promise<Ending> {
  const { local, interrupted } = seen.facts
  if (local === '' || interrupted !== '') return wait
  const ending = await lookAfter(ctx, site, seen, { mayFix: false, runId })
  return ending.kind === 'idle' ? wait : ending
}

/** A wait is news; that it takes long is a warning. */
function tellLongWait(ctx: Context, site: Site, version: string, why: string): void {
  try {
    const waitedMs = site.wait.note(version, ctx.clock.now().wallMs)
    if (waitedMs === undefined) return
    ctx.log.warn(`${site.host} has waited for ${version} for ${formatDuration(waitedMs)}: ${why}`)
  } catch (thrown) {
    ctx.log.debug(`how long this host waits can't be noted: ${messageOf(thrown)}`)
  }
}

async function shutGates(ctx: Context, site: Site): Promise<string | undefined> {
  const { gates, timeouts } = site.file
  if (gates.length === 0) return undefined
  const end = await awaitGates(ctx, site, gates, { timeoutMs: timeouts.gates })
  if (end.passed) return undefined
  return `waiting for ${describeMissing(end.missing)}`
}
