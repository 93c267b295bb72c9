import * as v from 'valibot'
import { durationValue, fileValue, textValue } from '../../../config/config-values.ts'

const BYTES = 'a whole number of bytes'
const REPLICAS = 'a whole number of replicas'

/**
 * The section `redis` of an agent's file, for `application: redis`. All of it may be left out.
 *
 * - `host`: where this machine's Redis listens; by default the file's `address`, or else 127.0.0.1. Its port is the
 *   file's. `socket`: the path of its Unix socket, instead
 * - `username`, `password_file`: the file is read again for each connection
 * - `tls`: the port speaks TLS; `{}` trusts the machine's authorities
 * - `min_replicas`: a master with fewer refuses writes
 * - `max_loss`: in bytes; a master that died may have had so much more than the next one has
 * - `sync_limit`: how long a demoted master waits for its replicas
 */
export const REDIS_OPTIONS = v.strictObject({
  host: v.optional(textValue('a host')),
  socket: v.optional(fileValue),
  username: v.optional(textValue('a user of Redis')),
  password_file: v.optional(fileValue),
  tls: v.optional(
    v.strictObject({
      ca_file: v.optional(fileValue),
      cert_file: v.optional(fileValue),
      key_file: v.optional(fileValue),
    }),
  ),
  min_replicas: v.optional(v.pipe(v.number(REPLICAS), v.integer(REPLICAS), v.minValue(0, REPLICAS)), 0),
  max_loss: v.optional(v.pipe(v.number(BYTES), v.integer(BYTES), v.minValue(0, BYTES)), 1_048_576),
  sync_limit: v.optional(durationValue, '1s'),
})

/** How a Redis is reached, and what it is held to. Durations are in milliseconds. */
export type RedisOptions = v.InferOutput<typeof REDIS_OPTIONS>

/** The options of a file's section; a file without one has the defaults. */
export function redisOptions(section: RedisOptions | undefined): RedisOptions {
  return section ?? v.parse(REDIS_OPTIONS, {})
}

/** Which Redis is meant. */
export interface RedisPlace {
  readonly host: string
  readonly port: number
  /** Instead of host and port. */
  readonly socket?: string | undefined
}

/** As people name it. */
export function placeName({ host, port, socket }: RedisPlace): string {
  return socket ?? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
}
