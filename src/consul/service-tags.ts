import type { Context } from '../base/context.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from './consul.ts'
import { isName, isObject, textsIn } from './fields.ts'
import { readInstances } from './instances.ts'
import { listLocalServices } from './services.ts'

/** A service as its agent lists it, as far as we have to know; https://developer.hashicorp.com/consul/api-docs/agent/service#list-services */
interface WireService {
  readonly ID: string
  readonly Service: string
  readonly Tags: readonly string[]
  readonly EnableTagOverride: boolean
  /** What is registered again as it is. */
  readonly kept: Readonly<Record<string, unknown>>
}

/** What a registration takes back as the list gives it; it doesn't know the list's other fields. */
const KEPT = ['Kind', 'Meta', 'Address', 'Port', 'SocketPath', 'TaggedAddresses', 'Weights', 'Proxy', 'Connect']

/**
 * Gives the agent's own instances of a service a tag, or takes it away, by registering them again; one that is as it
 * should be is left alone. A registration that names no checks keeps them and their status. Where a service lets
 * others change its tags in the catalog (EnableTagOverride), those are the ones that stay. Rejects with a `Failure`.
 */
export async function tagService(
  ctx: Context,
  consul: Consul,
  node: string,
  service: string,
  tag: string,
  on: boolean,
) {
  const own = (await agentServices(ctx, consul)).filter((instance) => instance.Service === service)
  for (const instance of own) {
    const tags = await tagsOf(ctx, consul, node, instance)
    if (tags.includes(tag) !== on) await register(ctx, consul, instance, toggled(tags, tag, on))
  }
}

function toggled(tags: readonly string[], tag: string, on: boolean): string[] {
  const others = tags.filter((other) => other !== tag)
  return on ? [...others, tag] : others
}

async function agentServices(ctx: Context, consul: Consul): Promise<WireService[]> {
  return Object.values(await listLocalServices(ctx, consul)).flatMap((service) => serviceIn(service) ?? [])
}

function serviceIn(json: unknown): WireService | undefined {
  if (!isObject(json) || !isName(json.ID) || !isName(json.Service)) return undefined
  const { ID, Service, Tags, EnableTagOverride } = json
  const kept = Object.fromEntries(Object.entries(json).filter(([name]) => KEPT.includes(name)))
  return { ID, Service, Tags: textsIn(Tags), EnableTagOverride: EnableTagOverride === true, kept }
}

async function tagsOf(ctx: Context, consul: Consul, node: string, instance: WireService): Promise<readonly string[]> {
  if (!instance.EnableTagOverride) return instance.Tags
  const { instances } = await readInstances(ctx, consul, instance.Service, { consistent: true })
  const listed = instances.find((other) => other.node === node && other.id === instance.ID)
  return listed?.tags ?? instance.Tags
}

async function register(ctx: Context, consul: Consul, instance: WireService, tags: readonly string[]): Promise<void> {
  const { ID, Service, EnableTagOverride, kept } = instance
  await consul.call(ctx, {
    method: 'PUT',
    path: '/v1/agent/service/register',
    body: JSON.stringify({ ...kept, ID, Name: Service, EnableTagOverride, Tags: tags }),
    timeoutMs: REQUEST_TIMEOUT_MS,
    needs: `service "${Service}" { policy = "write" }`,
  })
}
