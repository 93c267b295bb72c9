import type { ServiceDefinition } from '../../consul/services.ts'
import { MARGIN_MS, type Timing } from '../../lock/lease-timing.ts'
import type { LeaderFile } from '../leader-file.ts'
import type { RoleTag } from '../machine/role-tag.ts'

/** What others are to see of us. */
export interface PublishedState {
  readonly role: RoleTag
  readonly candidate: boolean
  readonly healthy: boolean
  /** What the application says of its health. */
  readonly message: string
}

/** What doesn't change about a service. */
export interface ServiceTerms {
  readonly name: string
  readonly address: string | undefined
  readonly port: number
  readonly tags: readonly string[]
  readonly priority: number
  /** `host:port` of our HTTP interface. */
  readonly api: string
  /** Of the agent that registers it: no other process has the same. */
  readonly agent: string
  readonly checkIntervalMs: number
  /** After so long a silence Consul shows that the agent is gone. */
  readonly silenceMs: number
}

/** How the agent of this id registers its application's service. */
export function serviceTerms(file: LeaderFile, timing: Timing, agent: string): ServiceTerms {
  const { name, address, port, tags, priority, api, check_interval } = file
  // By then the guardian of a stopped agent has demoted, and the session has ended by its own TTL.
  const silenceMs = timing.ttlMs + timing.graceMs + MARGIN_MS
  return { name, address, port, tags, priority, api, agent, checkIntervalMs: check_interval, silenceMs }
}

/** So often may the agent fail to tell of the application's health before Consul takes it for unhealthy. */
const REPORTS = 3

/**
 * The check that says whether the application is healthy; by Consul's own rule for ids. The agent tells Consul: if
 * Consul asked us over HTTP, whoever keeps our listener busy would take a healthy master out of DNS.
 */
export function healthCheckId(name: string): string {
  return `service:${name}`
}

/**
 * The check that says whether the agent is there. No session depends on it, nor on the application's: a check that
 * turns critical ends the session before we have demoted, and closes the lock for its lock-delay; and one that expires
 * while Consul's agent is down is critical when that starts (agent/agent.go, loadChecks), though we are there. Our
 * silence ends a session by its TTL. It is not one that Consul makes by itself: each registration, which a new tag is,
 * begins such a check anew, and one that fails then is critical at once, whatever its `FailuresBeforeCritical`
 * (agent/checks/check.go, NewStatusHandler).
 */
export function agentCheckId(name: string): string {
  return `service:${name}:agent`
}

/** The service with exactly one tag for its role. Its id is its name: one application of a name on one node. */
export function serviceDefinition(
  terms: ServiceTerms,
  { role, candidate, healthy }: PublishedState,
): ServiceDefinition {
  const { name, address, port, tags, priority, api, agent, checkIntervalMs, silenceMs } = terms
  return {
    id: name,
    name,
    tags: [role, ...tags],
    port,
    ...(address === undefined ? {} : { address }),
    meta: { priority: String(priority), candidate: String(candidate), api, agent },
    check: {
      id: healthCheckId(name),
      name: `Service '${name}' check`,
      ttlMs: checkIntervalMs * REPORTS,
      status: healthy ? 'passing' : 'critical',
    },
    moreChecks: [
      {
        id: agentCheckId(name),
        name: `consul-locker leader ${name}`,
        ttlMs: silenceMs,
        status: 'passing',
      },
    ],
  }
}
