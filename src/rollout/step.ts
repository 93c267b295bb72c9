import type { Context } from '../base/context.ts'
import { randomId } from '../base/random-id.ts'
import { awaitGates } from '../gate/await-gates.ts'
import { describeMissing } from '../gate/missing-line.ts'
import { decide } from './decision.ts'
import { type Survey, survey } from './facts.ts'
import { lookAfter } from './look-after.ts'
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
  const decision = decide(first.facts)
  if (decision.kind === 'untriggered') {
    return { kind: 'idle', why: `no version was triggered yet (${site.keys.current} is not set)` }
  }
  if (decision.kind === 'up-to-date') return lookAfter(ctx, site, first, { mayFix: true, runId })
  if (decision.kind === 'wait') return meanwhile(ctx, site, first, decision.why, runId)
  const shut = await shutGates(ctx, site)
  if (shut !== undefined) return meanwhile(ctx, site, first, shut, runId)
  const turn = await Turn.take(ctx, site, runId, ['rollout', 'step', decision.version])
  if (!turn) return meanwhile(ctx, site, first, 'no slot is free', runId)
  return atWork(ctx, site, turn, { version: decision.version, runId }, async (ctx, work) => {
    // What was seen before the slot was ours may have changed: somebody may have failed in it.
    const now = await survey(ctx, site)
    const anew = decide(now.facts)
    if (anew.kind === 'upgrade' && anew.version === decision.version) return upgrade(ctx, work, now, anew.version)
    return { kind: 'waiting', why: anew.kind === 'wait' ? anew.why : 'another version was triggered meanwhile' }
  })
}

/** A host that waits still tells how it is, unless it is halfway between two versions. */
async function meanwhile(ctx: Context, site: Site, seen: Survey, why: string, runId: string): Promise<Ending> {
  const { local, interrupted } = seen.facts
  if (local === '' || interrupted !== '') return { kind: 'waiting', why }
  const ending = await lookAfter(ctx, site, seen, { mayFix: false, runId })
  return ending.kind === 'idle' ? { kind: 'waiting', why } : ending
}

async function shutGates(ctx: Context, site: Site): Promise<string | undefined> {
  const { gates, timeouts } = site.file
  if (gates.length === 0) return undefined
  const end = await awaitGates(ctx, site, gates, { timeoutMs: timeouts.gates })
  if (end.passed) return undefined
  return `waiting for ${describeMissing(end.missing)}`
}
