import { isRolloutCheck } from './failures.ts'
import {
  deadHosts,
  type FleetView,
  isForced,
  knownHosts,
  runningVersions,
  unchangedHosts,
  upgradesNewestFirst,
} from './fleet-view.ts'
import type { HostFacts, SoakingHost } from './host-facts.ts'
import { hostsOnNode } from './host-nodes.ts'
import { roleOf } from './host-role.ts'
import { pausedBy } from './pauses.ts'
import { hostsIn, limitIn } from './percentage-of-hosts.ts'
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
  const { target, switches, records } = fleet
  const { host, role, local, interrupted } = self
  const isKnown = knownHosts(fleet).includes(host)
  const hosts = knownHosts(fleet).length + (isKnown ? 0 : 1)
  const alike = () => hostsByRole(file, fleet)(role) + (isKnown && roleOf(file, host) === role ? 0 : 1)
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
      cluster: limitIn(file.limits.cluster, hosts),
      role: ofRole && limitIn(ofRole, alike()),
    },
    maxFailures: hostsIn(file.max_failures, hosts),
    shutWindows: shutWindows(file.window, fleet.nowMs),
    first: firstBefore(file, self),
    soaking: soakingIn(file, fleet, host),
    goesFirst: goesFirst(file, fleet, host),
    dependsOn: dependenciesOf(file, role),
    stopOn: file.stop_on,
    versions: runningVersions(fleet),
    unchanged: unchangedHosts(fleet),
    failed: records.failed,
    unhealthy: unhealthyFor(host, file, fleet),
    isForced: isForced(fleet),
  }
}

/** How many known hosts have a role. */
function hostsByRole(file: RolloutFile, fleet: FleetView): (role: string) => number {
  const known = counts.get(fleet)
  const now =
    known?.file === file ? known : { file, roles: Map.groupBy(knownHosts(fleet), (host) => roleOf(file, host)) }
  counts.set(fleet, now)
  return (role) => now.roles.get(role)?.length ?? 0
}

const counts = new WeakMap<FleetView, { readonly file: RolloutFile; readonly roles: Map<string, string[]> }>()

/** A host that may begin, for an hour after this one has failed; longer would trust hosts whose cron has stopped. */
function goesFirst(file: RolloutFile, fleet: FleetView, host: string): string | undefined {
  const { target, records, nowMs } = fleet
  const own = records.failed.find((failed) => failed.host === host && failed.version === target?.version)
  if (own?.atMs === undefined || nowMs - own.atMs >= FIRST_MS) return undefined
  const busy = new Set([...records.failed.map(({ host }) => host), ...records.inProgress.keys(), ...deadHosts(fleet)])
  const versions = runningVersions(fleet)
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
function soakingIn(file: RolloutFile, fleet: FleetView, host: string): SoakingHost | undefined {
  if (file.soak === 0) return undefined
  const last = upgradesNewestFirst(fleet).find((one) => one.host !== host)
  const soaking = last && { host: last.host, untilMs: (last.atMs ?? 0) + file.soak }
  return soaking && soaking.untilMs > fleet.nowMs ? soaking : undefined
}
