import type { Context } from '../base/context.ts'
import { nextIndex, type QueryOptions, queryCall } from './blocking-query.ts'
import type { Consul } from './consul.ts'
import { isName, isObject, metaIn, portIn, textIn, textsIn } from './fields.ts'
import { checkIn, type Health, type WireCheck, worst } from './health.ts'
import { LIST_RULES } from './list.ts'
import { isMaintenance } from './maintenance.ts'
import { checkSeesNodes } from './node-visibility.ts'

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

export interface InstanceOptions extends QueryOptions {
  /** Only those with this tag. */
  readonly tag?: string
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
  const { tag } = options
  const { query, timeoutMs, longPoll } = queryCall(options)
  const path = `/v1/health/service/${encodeURIComponent(service)}`
  const reply = await consul.call(ctx, {
    method: 'GET',
    path,
    query: { ...(tag === undefined ? {} : { tag }), ...query },
    timeoutMs,
    longPoll,
    needs: LIST_RULES,
  })
  const entries = consul.json(reply)
  if (!Array.isArray(entries)) throw consul.protocolError(`${path} is no list`)
  return { instances: entries.flatMap(instancesIn), index: nextIndex(consul, reply, options) }
}

/**
 * The health of a service on each node of the client's datacenter that registered it, all its checks considered, but
 * for the mark of maintenance. Rejects with a `refused` failure when this token sees no node, and so no service.
 */
export async function serviceHealth(ctx: Context, consul: Consul, service: string): Promise<Map<string, Health>> {
  const { instances } = await readInstances(ctx, consul, service)
  if (instances.length === 0) await checkSeesNodes(ctx, consul, `how ${service} is`)
  const checksOn = (name: string) => instances.flatMap(({ node, checks }) => (node === name ? checks : []))
  const healthOn = (name: string) => worst(checksOn(name).filter((check) => !isMaintenance(check)))
  return new Map(instances.map(({ node }) => [node, healthOn(node)]))
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
