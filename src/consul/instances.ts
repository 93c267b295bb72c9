import type { Context } from '../base/context.ts'
import { ATTEMPT_MS, type Consul } from './consul.ts'
import { indexIn, isName, isObject, metaIn, portIn, textIn, textsIn } from './fields.ts'
import { checkIn, type Health, type WireCheck, worst } from './health.ts'
import { LIST_RULES } from './list.ts'

/** One instance of a service, with the worst of its own checks and its node's. */
export interface Instance {
  readonly node: string
  readonly id: string
  /** Its own address, or else its node's. */
  readonly address: string
  readonly port: number
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  readonly health: Health
  readonly checks: readonly WireCheck[]
}

/** The instances of a service, and the index to wait from. */
export interface Instances {
  readonly instances: readonly Instance[]
  readonly index: number
}

export interface InstanceOptions {
  /** Only those with this tag. */
  readonly tag?: string
  /** Waits until the index passes this one; 0 answers at once. */
  readonly index?: number
  /** The longest wait on the server's side, in milliseconds; at most 60 s. */
  readonly waitMs?: number
  /** Asks the leader, and has it verify that it is one. */
  readonly consistent?: boolean
}

/**
 * Reads all instances of a service with their health, at once or when something changes (or `waitMs` ran out: a return
 * doesn't mean a change); https://developer.hashicorp.com/consul/api-docs/health#list-nodes-for-service
 */
export async function readInstances(
  ctx: Context,
  consul: Consul,
  service: string,
  options: InstanceOptions = {},
): Promise<Instances> {
  const { tag, index = 0, waitMs = 0, consistent } = options
  const blocking = index > 0
  const path = `/v1/health/service/${encodeURIComponent(service)}`
  const reply = await consul.call(ctx, {
    method: 'GET',
    path,
    query: {
      ...(tag === undefined ? {} : { tag }),
      ...(consistent ? { consistent: true } : {}),
      ...(blocking ? { index: String(index), wait: `${Math.round(waitMs)}ms` } : {}),
    },
    // The server adds up to a sixteenth of the wait, so that waiters don't all wake at once.
    timeoutMs: blocking ? waitMs + waitMs / 16 + ATTEMPT_MS : ATTEMPT_MS,
    longPoll: blocking,
    needs: LIST_RULES,
  })
  const answered = indexIn(reply.headers['x-consul-index'])
  const entries = consul.json(reply)
  if (answered === undefined || !Array.isArray(entries)) throw consul.strange(`${path} is no list`)
  consul.heard = true
  // An index that went backwards (a restored snapshot) means: start again.
  return { instances: entries.flatMap(instancesIn), index: answered < index ? 0 : Math.max(answered, 1) }
}

/** The health of a service on each node of the client's datacenter that registered it, all its checks considered. */
export async function serviceHealth(ctx: Context, consul: Consul, service: string): Promise<Map<string, Health>> {
  const { instances } = await readInstances(ctx, consul, service)
  const byNode = Map.groupBy(instances, ({ node }) => node)
  return new Map([...byNode].map(([node, all]) => [node, worst(all.flatMap(({ checks }) => checks))]))
}

function instancesIn(json: unknown): Instance[] {
  if (!isObject(json) || !isObject(json.Node) || !isObject(json.Service)) return []
  const { Node, Service, Checks } = json
  if (!isName(Node.Node) || !isName(Service.ID)) return []
  const checks = (Array.isArray(Checks) ? Checks : []).flatMap((check) => checkIn(check) ?? [])
  return [
    {
      node: Node.Node,
      id: Service.ID,
      address: textIn(Service.Address) || textIn(Node.Address),
      port: portIn(Service.Port),
      tags: textsIn(Service.Tags),
      meta: metaIn(Service.Meta),
      health: worst(checks),
      checks,
    },
  ]
}
