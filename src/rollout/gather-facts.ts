import { isRolloutCheck } from './failures.ts'
import { deadHosts, type FleetView, isForced, knownHosts, unchangedHosts } from './fleet-view.ts'
import type { HostFacts, Soaking } from './host-facts.ts'
import { hostsIn, limitIn } from './host-limit.ts'
import { hostsOnNode } from './host-nodes.ts'
import { roleOf } from './host-role.ts'
import { pausedBy } from './pauses.ts'
import { dependenciesOf, dependsOn } from './role-check.ts'
import type { RolloutFile } from './rollout-file.ts'
import { decideStep } from './step-decision.ts'
import { shutWindows } from './time-window.ts'

const FIRST_MS = 3_600_000

/** A host, and what it knows of itself. */
interface HostSelf {
  readonly host: string
  readonly role: string
  /** As on its disk. */
  readonly local: string
  readonly interrupted: string
}

/** What a host decides by. */
export function factsOf(file: RolloutFile, fleet: FleetView, self: HostSelf): HostFacts {
  const { target, running, switches, records } = fleet
  const { host, role, local, interrupted } = self
  const hosts = [...new Set([...knownHosts(fleet), host])]
  const ofRole = file.limits.roles[role]
  return {
    host,
    role,
    roleOf: (host) => roleOf(file, host),
    target: target?.version,
    local,
    // A disk that was lost has no mark on it.
    interrupted: interrupted || records.inProgress.get(host)?.version || '',
    pausedBy: pausedBy(switches, host, role),
    limits: {
      cluster: limitIn(file.limits.cluster, hosts.length),
      role: ofRole && limitIn(ofRole, hosts.filter((other) => other === host || roleOf(file, other) === role).length),
    },
    maxFailures: hostsIn(file.max_failures, hosts.length),
    shutWindows: shutWindows(file.window, fleet.nowMs),
    first: firstBefore(file, self),
    soaking: soakingIn(file, fleet, host),
    goesFirst: goesFirst(file, fleet, host),
    dependsOn: dependenciesOf(file, role),
    stopOn: file.stop_on,
    versions: new Map(running.map(({ host, version }) => [host, version])),
    unchanged: unchangedHosts(fleet),
    failed: records.failed,
    unhealthy: unhealthyFor(host, file, fleet),
    isForced: isForced(fleet),
  }
}

/** A host that may begin, for an hour after this one has failed; longer would trust hosts whose cron has stopped. */
function goesFirst(file: RolloutFile, fleet: FleetView, host: string): string | undefined {
  const { target, records, running, nowMs } = fleet
  const own = records.failed.find((failed) => failed.host === host && failed.version === target?.version)
  if (own?.atMs === undefined || nowMs - own.atMs >= FIRST_MS) return undefined
  const busy = new Set([...records.failed.map(({ host }) => host), ...records.inProgress.keys(), ...deadHosts(fleet)])
  const versions = new Map(running.map(({ host, version }) => [host, version]))
  return knownHosts(fleet).find((other) => {
    if (busy.has(other)) return false
    const self = { host: other, role: roleOf(file, other), local: versions.get(other) ?? '', interrupted: '' }
    return decideStep(factsOf(file, fleet, self)).kind === 'upgrade'
  })
}

/** Hosts with failing checks, as one of them sees it. */
function unhealthyFor(host: string, { checks }: RolloutFile, { records, failing }: FleetView): Map<string, string[]> {
  const unhealthy = new Map<string, string[]>()
  for (const check of failing) {
    const hosts = hostsOnNode(records.nodes, check.Node)
    // Hosts may share a node (containers do), but not what they tell of themselves.
    const ill = hosts.includes(host) && isRolloutCheck(check, checks) ? [host] : hosts
    for (const name of ill) unhealthy.set(name, [...(unhealthy.get(name) ?? []), check.Name])
  }
  return unhealthy
}

/** The first hosts that a host waits for: neither another first one, nor one that waits for this host's own role. */
function firstBefore(file: RolloutFile, { host, role }: HostSelf): string[] {
  if (file.first.includes(host)) return []
  return file.first.filter((first) => !dependsOn(file, roleOf(file, first), role))
}

/** The host that was upgraded last, while its soak time lasts: by its clock and ours. */
function soakingIn(file: RolloutFile, { target, running, nowMs }: FleetView, host: string): Soaking | undefined {
  if (target === undefined || file.soak === 0) return undefined
  const since = running
    .filter((one) => one.host !== host && one.version === target.version && one.index >= target.index)
    .map(({ host, atMs = 0 }) => ({ host, untilMs: atMs + file.soak }))
  const [last] = since.sort((one, other) => other.untilMs - one.untilMs)
  return last && last.untilMs > nowMs ? last : undefined
}
