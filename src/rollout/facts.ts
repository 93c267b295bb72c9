import type { Context } from '../base/context.ts'
import { troubledChecks } from '../consul/node-checks.ts'
import type { KvStep } from '../consul/txn.ts'
import type { Facts } from './decision.ts'
import { failedHosts, isFailing, isOurs } from './failures.ts'
import { pausedBy, readSwitches } from './pauses.ts'
import type { Site } from './site.ts'
import { currentVersion, type Running, recordSteps, runningVersions } from './versions.ts'

/** The facts of one moment, and what else was seen with them. */
export interface Survey {
  readonly facts: Facts
  readonly running: Running
  /** This host's own failing checks, but for those by which it tells of its rollout. */
  readonly ailing: readonly string[]
}

/** Looks at everything that a host's next step depends on. Rejects with a `Failure`. */
export async function survey(ctx: Context, site: Site): Promise<Survey> {
  const { consul, keys, file, host, role, local } = site
  const [target, running, switches, failed, checks] = await Promise.all([
    currentVersion(ctx, consul, keys),
    runningVersions(ctx, consul, keys),
    readSwitches(ctx, consul, keys),
    failedHosts(ctx, consul, keys),
    troubledChecks(ctx, consul),
  ])
  const failing = checks.filter((check) => isFailing(check, file.checks))
  const unhealthy = new Map<string, string[]>()
  for (const { Node, Name } of failing) unhealthy.set(Node, [...(unhealthy.get(Node) ?? []), Name])
  const dependsOn = file.depends_on[role] ?? []
  const facts: Facts = {
    host,
    role,
    target,
    local: local.read(),
    interrupted: local.interrupted(),
    pausedBy: pausedBy(switches, host, role),
    limits: { cluster: file.limits.cluster, role: file.limits.roles[role] },
    dependsOn: typeof dependsOn === 'string' ? [dependsOn] : dependsOn,
    stopOn: file.stop_on,
    versions: new Map([...running].flatMap(([version, hosts]) => hosts.map((host) => [host, version] as const))),
    failed,
    unhealthy,
  }
  const own = failing.filter((check) => check.Node === host && !isOurs(check, file.checks))
  return { facts, running, ailing: own.map(({ Name }) => Name) }
}

/** The steps that record that this host runs a version, and that nothing is wrong with it. */
export function stepsToRecord(ctx: Context, site: Site, { facts, running }: Survey, version: string): KvStep[] {
  const hasFailed = facts.failed.some(({ host }) => host === site.host)
  return recordSteps(site.keys, running, { host: site.host, version, nowMs: ctx.clock.now().wallMs, hasFailed })
}
