import type { Context } from '../base/context.ts'
import { agentSelf } from '../consul/agent.ts'
import { type NodeCheck, troubledChecks } from '../consul/node-checks.ts'
import type { KvStep } from '../consul/txn.ts'
import type { Facts } from './decision.ts'
import { isFailing, isOurs } from './failures.ts'
import type { InProgress } from './in-progress.ts'
import { type Ledger, readLedger } from './ledger.ts'
import { hostsOn } from './nodes.ts'
import { pausedBy, readSwitches, type Switches } from './pauses.ts'
import { rolesBefore } from './role-check.ts'
import type { RolloutFile } from './rollout-file.ts'
import type { Site } from './site.ts'
import { type RunningRecord, readTarget, runningRecords, runningStep, type Target } from './versions.ts'

/** What is recorded of a whole fleet, at one moment. */
export interface Sight {
  readonly target: Target | undefined
  readonly running: readonly RunningRecord[]
  readonly switches: Switches
  readonly ledger: Ledger
  readonly failing: readonly NodeCheck[]
}

/** Looks at a fleet. Rejects with a `Failure`. */
export async function look(ctx: Context, { consul, keys, file }: Site): Promise<Sight> {
  const [target, running, switches, ledger, checks] = await Promise.all([
    readTarget(ctx, consul, keys),
    runningRecords(ctx, consul, keys),
    readSwitches(ctx, consul, keys),
    readLedger(ctx, consul, keys),
    troubledChecks(ctx, consul),
  ])
  return { target, running, switches, ledger, failing: checks.filter((check) => isFailing(check, file.checks)) }
}

/** A host, and what it knows of itself. */
interface Self {
  readonly host: string
  readonly role: string
  /** As on its disk. */
  readonly local: string
  readonly interrupted: string
}

/** What a host decides by. */
export function factsOf(file: RolloutFile, sight: Sight, { host, role, local, interrupted }: Self): Facts {
  const { target, running, switches, ledger, failing } = sight
  const unhealthy = new Map<string, string[]>()
  for (const check of failing) {
    const hosts = hostsOn(ledger.nodes, check.Node)
    // Hosts may share a node (containers do), but not what they tell of themselves.
    const ill = hosts.includes(host) && isOurs(check, file.checks) ? [host] : hosts
    for (const name of ill) unhealthy.set(name, [...(unhealthy.get(name) ?? []), check.Name])
  }
  return {
    host,
    role,
    target: target?.version,
    local,
    // A disk that was lost has no mark on it.
    interrupted: interrupted || ledger.inProgress.get(host)?.version || '',
    pausedBy: pausedBy(switches, host, role),
    limits: { cluster: file.limits.cluster, role: file.limits.roles[role] },
    dependsOn: rolesBefore(file, role),
    stopOn: file.stop_on,
    versions: new Map(running.map(({ host, version }) => [host, version])),
    untouched: new Set(target ? untouchedBy(target, running, ledger) : []),
    failed: ledger.failed,
    unhealthy,
    isForced: isForced(sight),
  }
}

/** The facts of one moment, and what else was seen with them. */
export interface Survey extends Sight {
  readonly facts: Facts
  /** The name of this host's node, as its agent tells it. */
  readonly node: string
  /** This host's own failing checks, but for those by which it tells of its rollout. */
  readonly ailing: readonly string[]
}

/** Looks at everything that a host's next step depends on. Rejects with a `Failure`. */
export async function survey(ctx: Context, site: Site): Promise<Survey> {
  const { consul, file, host, role, local } = site
  const [sight, { node }] = await Promise.all([look(ctx, site), agentSelf(ctx, consul)])
  const facts = factsOf(file, sight, { host, role, local: local.read(), interrupted: local.interrupted() })
  const own = sight.failing.filter((check) => check.Node === node && !isOurs(check, file.checks))
  return { ...sight, facts, node, ailing: own.map(({ Name }) => Name) }
}

/** The hosts that ran a version before it was triggered, and have not begun to upgrade to it since. */
function untouchedBy({ version, index }: Target, running: readonly RunningRecord[], { inProgress }: Ledger): string[] {
  const before = running.filter((record) => record.version === version && record.index < index)
  const isBegun = (one: InProgress | undefined) => one !== undefined && (one.version ?? version) === version
  return before.map(({ host }) => host).filter((host) => !isBegun(inProgress.get(host)))
}

/** Who triggers the same version anew without force takes the force away; other tools don't know of it. */
export function isForced({ target, ledger: { forced } }: Sight): boolean {
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
