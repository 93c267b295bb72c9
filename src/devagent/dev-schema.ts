import * as v from 'valibot'
import { CHECK_IMAGE, SERVICE_IMAGE, STATE_IMAGE } from './state-schema.ts'

const milliseconds = v.pipe(v.number(), v.minValue(0))
const looks = { intervalMs: v.pipe(v.number(), v.minValue(1)), timeoutMs: milliseconds }

const method = v.variant('kind', [
  v.object({ kind: v.literal('ttl'), ttlMs: milliseconds }),
  v.object({ kind: v.literal('tcp'), address: v.string(), ...looks }),
  v.object({
    kind: v.literal('http'),
    url: v.string(),
    method: v.string(),
    headers: v.record(v.string(), v.array(v.string())),
    body: v.string(),
    isInsecure: v.boolean(),
    ...looks,
  }),
])

const definition = v.object({
  id: v.string(),
  name: v.string(),
  notes: v.string(),
  status: v.exactOptional(v.picklist(['passing', 'warning', 'critical'])),
  method,
  deregisterAfterMs: milliseconds,
  successesToPass: v.number(),
  failuresToFail: v.number(),
})

const agent = v.object({
  services: v.array(SERVICE_IMAGE),
  checks: v.array(v.object({ definition, draft: CHECK_IMAGE, wasTold: v.boolean() })),
  marks: v.array(CHECK_IMAGE),
})

/** All that an agent in memory has, as it stands in a file. */
export const DEV_IMAGE = v.object({
  /** What the file is, for whoever finds it. */
  consul: v.literal('consul-locker dev'),
  format: v.literal(1),
  state: STATE_IMAGE,
  agents: v.record(v.string(), agent),
})

export type DevImage = v.InferOutput<typeof DEV_IMAGE>
