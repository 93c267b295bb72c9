import type { ServiceDraft } from '../catalog/catalog-records.ts'
import { fieldNames, JsonFields, jsonBody } from '../json-fields.ts'
import { Refusal } from '../refusal.ts'
import { parseServiceCheck, type RequestedCheck } from './requested-check.ts'

/** A service as it is registered with an agent, and its checks, each under an id. */
export interface RequestedService {
  readonly service: ServiceDraft
  readonly checks: readonly RequestedCheck[]
}

const ABSENT = ['Kind', 'Proxy', 'Connect']
const FIELDS = fieldNames(
  'ID',
  'Name',
  'Tags',
  'Address',
  'TaggedAddresses',
  'Port',
  'Meta',
  'Check',
  'Checks',
  'EnableTagOverride',
  'Weights',
  'Token',
  'Namespace',
  ...ABSENT,
)

const UNSPECIFIED = ['0.0.0.0', '::', '[::]']

/** What a body of `/v1/agent/service/register` asks for (structs.ServiceDefinition). Throws a `Refusal`. */
export function parseService(body: string | Buffer): RequestedService {
  const fields = new JsonFields(jsonBody(body))
  fields.only(FIELDS)
  const service = serviceIn(fields)
  const bodies = [fields.object('Check') ?? [], fields.objects('Checks')].flat()
  const checks = bodies.flatMap((body) => parseServiceCheck(body) ?? [])
  return { service, checks: checks.map((check, at) => named(check, service, checks.length > 1 ? at + 1 : undefined)) }
}

function serviceIn(fields: JsonFields): ServiceDraft {
  const name = fields.text('Name')
  if (name === '') throw new Refusal(400, 'Missing service name')
  const address = fields.text('Address')
  if (UNSPECIFIED.includes(address)) throw new Refusal(400, 'Invalid service address')
  const meta = fields.textMap('Meta') ?? {}
  if ('' in meta) {
    const why = `Couldn't load metadata pair ('', '${meta['']}'): Key cannot be blank`
    throw new Refusal(400, `Invalid Service Meta: ${why}`)
  }
  const absent = ABSENT.find((name) => fields.has(name))
  if (absent !== undefined) {
    throw new Refusal(501, `consul-locker dev has no service mesh; ${absent} needs a real Consul agent`)
  }
  const weights = fields.object('Weights')
  return {
    ID: fields.text('ID') || name,
    Service: name,
    Tags: fields.texts('Tags'),
    Address: address,
    Meta: meta,
    Port: fields.number('Port'),
    Weights: { Passing: weights?.number('Passing') ?? 1, Warning: weights?.number('Warning') ?? 1 },
    EnableTagOverride: fields.flag('EnableTagOverride'),
  }
}

/** An id and a name where the registration leaves them to the agent (agent/agent.go, addServiceInternal). */
function named(check: RequestedCheck, { ID, Service }: ServiceDraft, number: number | undefined): RequestedCheck {
  return {
    ...check,
    id: check.id || `service:${ID}${number === undefined ? '' : `:${number}`}`,
    name: check.name || `Service '${Service}' check`,
  }
}
