import type { Context } from '../base/context.ts'
import { agentSelf } from '../consul/agent-self.ts'
import type { TxnOp } from '../consul/txn.ts'
import { isRolloutCheck } from './failures.ts'
import { type FleetView, readFleet } from './fleet-view.ts'
import { factsOf } from './gather-facts.ts'
import type { HostFacts } from './host-facts.ts'
import type { HostRollout } from './host-rollout.ts'
import { runningStep } from './versions.ts'

/** The facts of one moment, and what else was seen with them. */
export interface HostView extends FleetView {
  readonly facts: HostFacts
  /** The name of this host's node, as its agent tells it. */
  readonly node: string
  /** This host's own failing checks, but for those by which it tells of its rollout. */
  readonly failingChecks: readonly string[]
}

/** Looks at everything that a host's next step depends on. Rejects with a `Failure`. */
export async function readHostView(ctx: Context, rollout: HostRollout): Promise<HostView> {
  const { consul, file, host, role, local } = rollout
  const [fleet, { node }] = await Promise.all([readFleet(ctx, rollout), agentSelf(ctx, consul)])
  const facts = factsOf(file, fleet, { host, role, local: local.read(), interrupted: local.interrupted() })
  const own = fleet.failing.filter((check) => check.Node === node && !isRolloutCheck(check, file.checks))
  return { ...fleet, facts, node, failingChecks: own.map(({ Name }) => Name) }
}

/**
 * The steps that record that this host runs a version, and that nothing is wrong with it: what it ran before, that it
 * failed and that it was upgraded is forgotten. After an upgrade that is recorded anew; otherwise there are no steps
 * when all of it stands there already.
 */
export function recordSteps(
  ctx: Context,
  { keys, host }: HostRollout,
  { running, records }: HostView,
  version: string,
  after: 'upgrade' | 'validation',
): TxnOp[] {
  const recorded = running.filter((record) => record.host === host).map(({ version }) => version)
  const isRecorded = after === 'validation' && recorded.includes(version)
  const stale = [
    ...recorded.filter((other) => other !== version).map((other) => keys.runningOf(other, host)),
    ...(records.failed.some((failed) => failed.host === host) ? [keys.failedOn(host)] : []),
    ...(after === 'upgrade' || records.inProgress.has(host) ? [keys.inProgressOn(host)] : []),
  ]
  return [
    ...(isRecorded ? [] : [runningStep(keys, host, version, ctx.clock.now().wallMs)]),
    ...stale.map((key) => ({ verb: 'delete', key }) as const),
  ]
}
