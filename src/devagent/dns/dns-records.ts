import { isIP } from 'node:net'
import type { Answer } from 'dns-packet'
import { checksOfInstance } from '../catalog/catalog-json.ts'
import { instancesOf, type Located } from '../catalog/catalog-query.ts'
import type { CatalogTable } from '../catalog/catalog-table.ts'
import { type DnsSubject, nameOfAddress, nameOfNode } from './dns-names.ts'

/** What is answered: records for the question, and others that save a second one. */
export interface Records {
  readonly answers: readonly Answer[]
  readonly additionals: readonly Answer[]
}

/** What the records are asked for. */
export interface Question {
  /** As it was asked: answers repeat it. */
  readonly name: string
  readonly type: string
}

/** `undefined` when there is nothing of that name; no answers when there is, but not of that type. */
export function recordsFor(
  catalog: CatalogTable,
  random: () => number,
  question: Question,
  asked: DnsSubject,
): Records | undefined {
  if (asked.kind === 'address') return { answers: addressRecords(question, asked.address), additionals: [] }
  if (asked.kind === 'node') {
    const found = catalog.list().find(({ node }) => node.Node.toLowerCase() === asked.name)
    return found && { answers: addressRecords(question, found.node.Address), additionals: [] }
  }
  const instances = shuffled(random, healthyInstances(catalog, asked.name, asked.tag))
  if (instances.length === 0) return undefined
  if (question.type === 'SRV') return serviceRecords(question, instances)
  const addresses = [...new Set(instances.map(addressOf))]
  return { answers: addresses.flatMap((address) => addressRecords(question, address)), additionals: [] }
}

/** Those without a critical check (agent/dns.go; `only_passing` is off by default). */
function healthyInstances(catalog: CatalogTable, name: string, tag: string | undefined): Located[] {
  const names = catalog.list().flatMap(({ services }) => [...services.values()].map(({ Service }) => Service))
  const known = names.find((one) => one.toLowerCase() === name)
  if (known === undefined) return []
  const query = Object.assign(new Map<string, string>(), tag === undefined ? {} : { tags: [tag] })
  return instancesOf(catalog, known, query).filter(({ entry, service }) =>
    checksOfInstance(entry, service).every(({ Status }) => Status !== 'critical'),
  )
}

function serviceRecords({ name }: Question, instances: readonly Located[]): Records {
  const answers: Answer[] = []
  const additionals: Answer[] = []
  for (const instance of instances) {
    const { service } = instance
    const target = targetOf(instance)
    answers.push({ type: 'SRV', name, ttl: 0, data: { priority: 1, weight: 1, port: service.Port, target } })
    if (isIP(addressOf(instance)) !== 0) {
      additionals.push(...addressRecords({ name: target, type: 'ANY' }, addressOf(instance)))
    }
  }
  return { answers, additionals }
}

/** A name for where an instance is: its node's, or one that is made of its own address. */
function targetOf({ entry, service: { Address } }: Located): string {
  if (Address === '') return nameOfNode(entry.node.Node)
  return isIP(Address) === 0 ? Address : nameOfAddress(Address)
}

function addressOf({ entry, service }: Located): string {
  return service.Address === '' ? entry.node.Address : service.Address
}

function addressRecords({ name, type }: Question, address: string): Answer[] {
  const family = isIP(address)
  if (family === 0) return [{ type: 'CNAME', name, ttl: 0, data: address }]
  const record = family === 4 ? 'A' : 'AAAA'
  return type === record || type === 'ANY' ? [{ type: record, name, ttl: 0, data: address }] : []
}

function shuffled<T>(random: () => number, list: readonly T[]): T[] {
  return list
    .map((one) => [random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one)
}
