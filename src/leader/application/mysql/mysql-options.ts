import * as v from 'valibot'
import { durationValue, fileValue, textValue } from '../../../config/config-values.ts'

const COUNT = 'a whole number of transactions'
const ACCOUNTS = 'a list of accounts, as admin@10.0.0.%'

/**
 * The section `mysql` of an agent's file, for `application: mysql`, which is MariaDB 10.11 or newer with GTIDs.
 *
 * - `socket`: this machine's server, as `user`, who may do everything; `password_file` unless the server knows the
 *   operating system's user by its socket
 * - `data`: its data directory, by which its process is known
 * - `defaults_file`: the options file that the server is started with; by default the system's
 * - `replication_user`, `replication_password_file`: by whom slaves reach the master; the same on all machines
 * - `max_loss`: in transactions; a master that died may have had so many more than the next one has
 * - `sync_limit`: how long a demoted master waits until its slaves have been sent everything
 * - `administrators`: accounts that may write to a read-only server, beside those of localhost
 */
export const MYSQL_SECTION = v.strictObject({
  socket: v.optional(fileValue, '/run/mysqld/mysqld.sock'),
  user: v.optional(textValue('a user of the server'), 'root'),
  password_file: v.optional(fileValue),
  data: v.optional(fileValue, '/var/lib/mysql'),
  defaults_file: v.optional(fileValue),
  replication_user: textValue('a user of the server'),
  replication_password_file: fileValue,
  max_loss: v.optional(v.pipe(v.number(COUNT), v.integer(COUNT), v.minValue(0, COUNT)), 1000),
  sync_limit: v.optional(durationValue, '1s'),
  administrators: v.optional(v.array(textValue(ACCOUNTS), ACCOUNTS), []),
})

/** How a MariaDB is reached, and what it is held to. Durations are in milliseconds. */
export type MysqlOptions = v.InferOutput<typeof MYSQL_SECTION>
