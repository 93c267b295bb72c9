import * as v from 'valibot'

const index = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const texts = v.record(v.string(), v.string())
const health = v.picklist(['passing', 'warning', 'critical'])
const indexed = { CreateIndex: index, ModifyIndex: index }

const serviceEntries = {
  ID: v.string(),
  Service: v.string(),
  Tags: v.array(v.string()),
  Address: v.string(),
  Meta: v.nullable(texts),
  Port: index,
  Weights: v.object({ Passing: index, Warning: index }),
  EnableTagOverride: v.boolean(),
}

/** A service as it was drafted. */
export const SERVICE_IMAGE = v.object(serviceEntries)

const node = v.object({
  ID: v.string(),
  Node: v.string(),
  Address: v.string(),
  Datacenter: v.string(),
  TaggedAddresses: v.nullable(texts),
  Meta: v.nullable(texts),
  ...indexed,
})

const checkEntries = {
  Node: v.string(),
  CheckID: v.string(),
  Name: v.string(),
  Status: health,
  Notes: v.string(),
  Output: v.string(),
  ServiceID: v.string(),
  ServiceName: v.string(),
  ServiceTags: v.array(v.string()),
  Type: v.string(),
}

/** A check as it was drafted. */
export const CHECK_IMAGE = v.object(checkEntries)

const kvEntry = v.object({
  key: v.string(),
  value: v.string(),
  flags: v.pipe(v.string(), v.digits()),
  session: v.string(),
  createIndex: index,
  modifyIndex: index,
  lockIndex: index,
})

const session = v.object({
  id: v.string(),
  name: v.string(),
  node: v.string(),
  ttl: v.string(),
  ttlMs: v.number(),
  lockDelayNs: v.number(),
  behavior: v.picklist(['release', 'delete']),
  checks: v.array(v.string()),
  serviceChecks: v.array(v.string()),
  olderChecks: v.array(v.string()),
  createIndex: index,
})

/** All that the servers agree on, as JSON. */
export const STATE_IMAGE = v.object({
  raftIndex: index,
  kv: v.object({ index, entries: v.array(kvEntry), tombstones: v.array(v.tuple([v.string(), index])) }),
  sessions: v.object({ index, all: v.array(session) }),
  catalog: v.object({
    indexes: v.object({
      nodes: index,
      services: index,
      checks: index,
      extinction: index,
      byService: v.array(v.tuple([v.string(), index])),
    }),
    nodes: v.array(
      v.object({
        node,
        services: v.array(v.object({ ...serviceEntries, ...indexed })),
        checks: v.array(v.object({ ...checkEntries, ...indexed })),
      }),
    ),
  }),
})

export type StateImage = v.InferOutput<typeof STATE_IMAGE>
