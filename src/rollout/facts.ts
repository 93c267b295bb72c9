import type { Context } from '../base/context.ts'
import { agentSelf } from '../consul/agent.ts'
import { troubledChecks } from '../consul/node-checks.ts'
import type { KvStep } from '../consul/txn.ts'
import type { Facts } from './decision.ts'
import { isFailing, isOurs } from './failures.ts'
import type { InProgress } from './in-progress.ts'
import { type Ledger, readLedger } from './ledger.ts'
import { hostsOn } from './nodes.ts'
import { pausedBy, readSwitches } from './pauses.ts'
import { rolesBefore } from './role-check.ts'
import type { Site } from './site.ts'
import { type RunningRecord, readTarget, runningRecords, runningStep, type Target } from './versions.ts'

/** The facts of one moment, and what else was seen with them. */
export interface Survey {
  readonly facts: Facts
  readonly running: readonly RunningRecord[]
  readonly ledger: Ledger
  /** The name of this host's node, as its agent tells it. */
  readonly node: string
  /** This host's own failing checks, but for those by which it tells of its rollout. */
  readonly ailing: readonly string[]
}

/** Looks at everything that a host's next step depends on. Rejects with a `Failure`. */
export async function survey(ctx: Context, site: Site): Promise<Survey> {
  const { consul, keys, file, host, role, local } = site
  const [target, running, switches, ledger, checks, { node }] = await Promise.all([
    readTarget(ctx, consul, keys),
    runningRecords(ctx, consul, keys),
    readSwitches(ctx, consul, keys),
    readLedger(ctx, consul, keys),
    troubledChecks(ctx, consul),
    agentSelf(ctx, consul),
  ])
  const failing = checks.filter((check) => isFailing(check, file.checks))
  const unhealthy = new Map<string, string[]>()
  for (const { Node, Name } of failing) {
    for (const name of hostsOn(ledger.nodes, Node)) unhealthy.set(name, [...(unhealthy.get(name) ?? []), Name])
  }
  const facts: Facts = {
    host,
    role,
    target: target?.version,
    local: local.read(),
    // A disk that was lost has no mark on it.
    interrupted: local.interrupted() || ledger.inProgress.get(host)?.version || '',
    pausedBy: pausedBy(switches, host, role),
    limits: { cluster: file.limits.cluster, role: file.limits.roles[role] },
    dependsOn: rolesBefore(file, role),
    stopOn: file.stop_on,
    versions: new Map(running.map(({ host, version }) => [host, version])),
    untouched: new Set(target ? untouchedBy(target, running, ledger) : []),
    failed: ledger.failed,
    unhealthy,
    isForced: isForced(target, ledger),
  }
  const own = failing.filter((check) => check.Node === node && !isOurs(check, file.checks))
  return { facts, running, ledger, node, ailing: own.map(({ Name }) => Name) }
}

/** The hosts that ran a version before it was triggered, and have not begun to upgrade to it since. */
function untouchedBy({ version, index }: Target, running: readonly RunningRecord[], { inProgress }: Ledger): string[] {
  const before = running.filter((record) => record.version === version && record.index < index)
  const isBegun = (one: InProgress | undefined) => one !== undefined && (one.version ?? version) === version
  return before.map(({ host }) => host).filter((host) => !isBegun(inProgress.get(host)))
}

/** Who triggers the same version anew without force takes the force away; other tools don't know of it. */
function isForced(target: Target | undefined, { forced }: Ledger): boolean {
  return target !== undefined && forced?.version === target.version && forced.index >= target.index
}

/**
 * The steps that record that this host runs a version, and that nothing is wrong with it: what it ran before, that it
 * failed and that it was upgraded is forgotten. After an upgrade that is recorded anew; otherwise there are no steps when
 * all of it stands there already.
 */
export function stepsToRecord(
  ctx: Context,
  { keys, host }: Site,
  { running, ledger }: Survey,
  version: string,
  after: 'upgrade' | 'validation',
): KvStep[] {
  const recorded = running.filter((record) => record.host === host).map(({ version }) => version)
  const isRecorded = after === 'validation' && recorded.includes(version)
  const stale = [
    ...recorded.filter((other) => other !== version).map((other) => keys.runningOf(other, host)),
    ...(ledger.failed.some((failed) => failed.host === host) ? [keys.failedOn(host)] : []),
    ...(after === 'upgrade' || ledger.inProgress.has(host) ? [keys.inProgressOn(host)] : []),
  ]
  return [
    ...(isRecorded ? [] : [runningStep(keys, host, version, ctx.clock.now().wallMs)]),
    ...stale.map((key) => ({ verb: 'delete', key }) as const),
  ]
}
