import * as v from 'valibot'
import { fileValue } from '../../../config/config-values.ts'
import { parseLagBound } from '../lag.ts'

const SIZE = 'a size in bytes, as 16MB or 4GB'
const USER = 'the name of a superuser'

function bytesOf(text: string): number | undefined {
  const bound = parseLagBound(text)
  return bound && 'positions' in bound ? bound.positions : undefined
}

const size = v.pipe(
  v.union([v.string(), v.pipe(v.number(), v.integer())], SIZE),
  v.transform(String),
  v.check((text) => bytesOf(text) !== undefined, SIZE),
  v.transform((text) => bytesOf(text) ?? 0),
)

/**
 * The section `postgres` of an agent's file, for `application: postgres`. Sizes are in bytes.
 *
 * - `data`: the data directory
 * - `config`: its `postgresql.conf`; by default the one in the data directory, or Debian's in `/etc/postgresql`
 * - `bin`: where its programs are; by default Debian's directory of the data's version, or else the PATH
 * - `log`: what the server writes to until it has a log of its own; `<data>.log`
 * - `user`: the superuser by which agents ask, and standbys replicate
 * - `passfile`: that user's passwords, in the format of `.pgpass`; by default the `.pgpass` of the data's owner
 * - `max_loss`: how much of what the last master had may be missing in a new one after a crash
 * - `keep_wal`: how much of its log a master keeps for a member that is away
 */
export const POSTGRES_SECTION = v.strictObject({
  data: fileValue,
  config: v.optional(fileValue),
  bin: v.optional(fileValue),
  log: v.optional(fileValue),
  user: v.optional(v.pipe(v.string(USER), v.nonEmpty(USER)), 'postgres'),
  passfile: v.optional(fileValue),
  max_loss: v.optional(size, '1MB'),
  keep_wal: v.optional(size, '4GB'),
})

export type PostgresOptions = v.InferOutput<typeof POSTGRES_SECTION>
