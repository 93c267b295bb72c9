import type { Health } from '../../consul/health.ts'
import { JsonFields, jsonBody } from '../json-fields.ts'
import { Refusal } from '../refusal.ts'
import type { CheckDraft, Registration, Removal, ServiceDraft } from './catalog-records.ts'
import { DATACENTER } from './member.ts'

/** What a body of `/v1/catalog/register` asks for (structs.RegisterRequest). Throws a `Refusal`. */
export function parseRegistration(body: string | Buffer): Registration {
  const fields = new JsonFields(jsonBody(body))
  const node = nodeIn(fields)
  const address = fields.text('Address')
  const keepsNode = fields.flag('SkipNodeUpdate')
  if (address === '' && !keepsNode) throw new Refusal(500, 'Must provide address if SkipNodeUpdate is not set')
  const service = fields.object('Service')
  const checks = [fields.object('Check') ?? [], fields.objects('Checks')].flat()
  return {
    node: {
      ID: fields.text('ID'),
      Node: node,
      Address: address,
      Datacenter: DATACENTER,
      TaggedAddresses: fields.textMap('TaggedAddresses'),
      Meta: fields.textMap('NodeMeta'),
    },
    keepsNode,
    ...(service && { service: serviceIn(service) }),
    checks: checks.map((check) => checkIn(check, node)),
  }
}

/** What a body of `/v1/catalog/deregister` asks for. Throws a `Refusal`. */
export function parseRemoval(body: string | Buffer): Removal {
  const fields = new JsonFields(jsonBody(body))
  const [node, serviceId, checkId] = [nodeIn(fields), fields.text('ServiceID'), fields.text('CheckID')]
  return { node, ...(serviceId !== '' && { serviceId }), ...(checkId !== '' && { checkId }) }
}

function nodeIn(fields: JsonFields): string {
  const node = fields.text('Node')
  if (node === '') throw new Refusal(500, 'Must provide node')
  const datacenter = fields.text('Datacenter')
  if (datacenter !== '' && datacenter !== DATACENTER) throw new Refusal(500, 'No path to datacenter')
  return node
}

function serviceIn(fields: JsonFields): ServiceDraft {
  const name = fields.text('Service')
  const id = fields.text('ID') || name
  if (id === '')
    throw new Refusal(500, 'failed inserting service: failed inserting service: object missing primary index')
  const weights = fields.object('Weights')
  return {
    ID: id,
    Service: name,
    Tags: fields.texts('Tags'),
    Address: fields.text('Address'),
    Meta: fields.textMap('Meta'),
    Port: fields.number('Port'),
    Weights: { Passing: weights?.number('Passing') || 1, Warning: weights?.number('Warning') || 1 },
    EnableTagOverride: fields.flag('EnableTagOverride'),
  }
}

function checkIn(fields: JsonFields, node: string): CheckDraft {
  const name = fields.text('Name')
  return {
    Node: fields.text('Node') || node,
    CheckID: fields.text('CheckID') || name,
    Name: name,
    // Consul stores what it is given, and shows it; what no check can be counts as critical there, too.
    Status: (fields.text('Status') || 'critical') as Health,
    Notes: fields.text('Notes'),
    Output: fields.text('Output'),
    ServiceID: fields.text('ServiceID'),
    ServiceName: '',
    ServiceTags: [],
    Type: '',
  }
}
