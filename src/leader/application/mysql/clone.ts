import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { findExecutable } from '../../../child/executable.ts'
import { runTask } from '../../../child/task.ts'
import type { Leader } from '../../machine/agent-state.ts'
import type { CallOptions } from '../application.ts'
import { type MysqlConnection, mysqlPassword } from './mysql-connection.ts'
import type { MysqlOptions } from './mysql-options.ts'

const GRACE_MS = 500
const OWN_SCHEMAS = ['information_schema', 'performance_schema', 'mysql', 'sys']
/** A schema that is there while data are taken: what has it has only some of them. */
export const UNFINISHED = 'consul_locker_unfinished'

/**
 * Takes a dump of the master: `--gtid` has it say where it ends. A dump that fails halfway ends with what is no
 * statement, so that the client that reads it fails as well. Passwords go through the environment.
 */
const SCRIPT = `
{
  MYSQL_PWD=$MASTER_PASSWORD mariadb-dump --no-defaults --host="$1" --port="$2" --user="$3" --protocol=tcp \\
    --all-databases --single-transaction --quick --routines --events --triggers --hex-blob --flush-privileges \\
    --master-data=1 --gtid --add-drop-database || echo 'the dump ended halfway;'
} | MYSQL_PWD=$OWN_PASSWORD mariadb --no-defaults --socket="$4" --user="$5" --init-command='SET sql_log_bin = 0'
`

/** Whether a server has nothing that somebody could miss: no data, or those of a clone that came to no end. */
export async function isUnused(ctx: Context, mysql: MysqlConnection): Promise<boolean> {
  const schemas = await schemasOf(ctx, mysql)
  return schemas.length === 0 || schemas.includes(UNFINISHED)
}

/**
 * Replaces a server's data by a master's. The server runs on, and is closed. What it follows afterwards is for the next
 * call to say. When it comes to no end, the server isn't used until another one has.
 */
export async function cloneMaster(
  ctx: Context,
  mysql: MysqlConnection,
  leader: Leader,
  options: MysqlOptions,
  { environment, onGroup }: Pick<CallOptions, 'onGroup'> & { readonly environment: NodeJS.ProcessEnv },
): Promise<void> {
  const words = [leader.address, String(leader.port), options.replication_user, options.socket, options.user]
  const command = findExecutable(['/bin/sh', '-c', SCRIPT, 'clone', ...words], environment.PATH)
  await mysql.tell(ctx, 'STOP SLAVE')
  await mysql.tell(ctx, 'RESET SLAVE ALL')
  await mysql.tell(ctx, 'SET sql_log_bin = 0')
  await mysql.tell(ctx, `CREATE DATABASE IF NOT EXISTS ${UNFINISHED}`)
  const old = (await schemasOf(ctx, mysql)).filter((name) => name !== UNFINISHED)
  for (const name of old) await mysql.tell(ctx, `DROP DATABASE ${quotedName(name)}`)
  await mysql.tell(ctx, 'RESET MASTER')
  await mysql.tell(ctx, "SET GLOBAL gtid_slave_pos = ''")
  const { status, output } = await runTask(ctx, {
    command,
    environment: {
      ...environment,
      MASTER_PASSWORD: mysqlPassword(options.replication_password_file),
      OWN_PASSWORD: options.password_file === undefined ? '' : mysqlPassword(options.password_file),
    },
    // The call itself is bounded.
    timeoutMs: 24 * 3_600_000,
    graceMs: GRACE_MS,
    sparesDaemons: false,
    onGroup,
  })
  ctx.signal.throwIfAborted()
  if (typeof status === 'object' && 'code' in status && status.code === 0) {
    return mysql.tell(ctx, `DROP DATABASE ${UNFINISHED}`)
  }
  throw new Failure('failed', `the data of ${leader.node} can't be taken: ${output.trim().split('\n').at(-1)}`)
}

async function schemasOf(ctx: Context, mysql: MysqlConnection): Promise<string[]> {
  const rows = await mysql.ask(ctx, 'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA')
  return rows.map(({ name }) => String(name)).filter((name) => !OWN_SCHEMAS.includes(name.toLowerCase()))
}

function quotedName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}
