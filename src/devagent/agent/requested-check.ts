import type { Health } from '../../consul/health.ts'
import { fieldNames, type JsonFields } from '../json-fields.ts'
import { Refusal } from '../refusal.ts'

/** How an agent finds out how something is (agent/structs/check_type.go). Durations are in milliseconds. */
export type CheckMethod =
  | { readonly kind: 'ttl'; readonly ttlMs: number }
  | HttpCheck
  | { readonly kind: 'tcp'; readonly address: string; readonly intervalMs: number; readonly timeoutMs: number }

export interface HttpCheck {
  readonly kind: 'http'
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly body: string
  readonly isInsecure: boolean
  readonly intervalMs: number
  readonly timeoutMs: number
}

/** What an agent looks at by itself. */
export type ProbedCheck = Exclude<CheckMethod, { kind: 'ttl' }>

/** A check as it is registered with an agent. */
export interface RequestedCheck {
  /** Empty where the agent is to choose one. */
  readonly id: string
  readonly name: string
  readonly notes: string
  /** What it begins with, if it says so. */
  readonly status?: Health
  readonly method: CheckMethod
  /** A service that was critical for so long is taken out; 0: never. */
  readonly deregisterAfterMs: number
  /** So many results in a row change its status. */
  readonly successesToPass: number
  readonly failuresToFail: number
}

const FIELDS = [
  'CheckID',
  'Name',
  'Notes',
  'Status',
  'HTTP',
  'Header',
  'Method',
  'Body',
  'TCP',
  'TTL',
  'Interval',
  'Timeout',
  'TLSSkipVerify',
  'DeregisterCriticalServiceAfter',
  'SuccessBeforePassing',
  'FailuresBeforeCritical',
  'OutputMaxSize',
]

/** What runs on the agent's machine or needs protocols that aren't here. */
const ABSENT = ['Args', 'ScriptArgs', 'DockerContainerID', 'Shell', 'GRPC', 'GRPCUseTLS', 'AliasNode', 'AliasService']
const IGNORED = ['Token', 'Namespace', 'ProxyHTTP', 'ProxyGRPC']

const OF_SERVICE = fieldNames(...FIELDS, ...ABSENT, ...IGNORED)
const OF_AGENT = fieldNames('ID', 'ServiceID', ...FIELDS, ...ABSENT, ...IGNORED)

const HEALTHS: readonly string[] = ['passing', 'warning', 'critical'] satisfies Health[]

/** Consul raises what is shorter (checks.MinInterval, agent.addCheck). */
const SHORTEST_INTERVAL_MS = 1000
const LONGEST_USUAL_TIMEOUT_MS = 10_000
const SHORTEST_DEREGISTRATION_MS = 60_000

/**
 * The check that a service's registration asks for; `undefined` for one that says nothing, as Consul has it. Throws a
 * `Refusal`.
 */
export function parseServiceCheck(fields: JsonFields): RequestedCheck | undefined {
  fields.only(OF_SERVICE)
  const isEmpty = !['TTL', 'HTTP', 'TCP', 'Interval', ...ABSENT].some((name) => fields.has(name))
  return isEmpty ? undefined : definitionIn(fields, fields.text('CheckID'))
}

/** The check of `/v1/agent/check/register`. Throws a `Refusal`. */
export function parseAgentCheck(fields: JsonFields): RequestedCheck {
  fields.only(OF_AGENT)
  if (fields.text('Name') === '') throw new Refusal(400, 'Missing check name')
  return definitionIn(fields, fields.text('ID') || fields.text('CheckID') || fields.text('Name'))
}

function definitionIn(fields: JsonFields, id: string): RequestedCheck {
  const absent = ABSENT.find((name) => fields.has(name))
  if (absent !== undefined) {
    throw new Refusal(501, `consul-locker dev has TTL, HTTP and TCP checks; ${absent} needs a real Consul agent`)
  }
  const deregisterAfterMs = fields.durationNs('DeregisterCriticalServiceAfter') / 1e6
  return {
    id,
    name: fields.text('Name'),
    notes: fields.text('Notes'),
    ...statusIn(fields),
    method: methodIn(fields),
    deregisterAfterMs: deregisterAfterMs > 0 ? Math.max(deregisterAfterMs, SHORTEST_DEREGISTRATION_MS) : 0,
    successesToPass: fields.number('SuccessBeforePassing'),
    failuresToFail: fields.number('FailuresBeforeCritical'),
  }
}

function statusIn(fields: JsonFields): { readonly status?: Health } {
  const status = fields.text('Status')
  if (status === '') return {}
  if (!HEALTHS.includes(status)) throw new Refusal(400, "Status for checks must 'passing', 'warning', 'critical'")
  return { status: status as Health }
}

function methodIn(fields: JsonFields): CheckMethod {
  const [url, address, ttlNs] = [fields.text('HTTP'), fields.text('TCP'), fields.durationNs('TTL')]
  if (url === '' && address === '') {
    if (ttlNs <= 0) throw new Refusal(400, 'Invalid check: TTL must be > 0 for TTL checks')
    return { kind: 'ttl', ttlMs: ttlNs / 1e6 }
  }
  const intervalNs = fields.durationNs('Interval')
  if (intervalNs <= 0) throw new Refusal(400, 'Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks')
  const intervalMs = Math.max(intervalNs / 1e6, SHORTEST_INTERVAL_MS)
  const timeoutMs = fields.durationNs('Timeout') / 1e6 || LONGEST_USUAL_TIMEOUT_MS
  if (url === '') return { kind: 'tcp', address, intervalMs, timeoutMs }
  return {
    kind: 'http',
    url,
    method: fields.text('Method') || 'GET',
    headers: fields.headers('Header'),
    body: fields.text('Body'),
    isInsecure: fields.flag('TLSSkipVerify'),
    intervalMs,
    timeoutMs,
  }
}
