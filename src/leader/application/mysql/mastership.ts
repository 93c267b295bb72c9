import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { MysqlConnection } from './mysql-connection.ts'

/**
 * Writes down in the data themselves that this server leads now. From this transaction on two servers that were
 * promoted from the same data have gone different ways, and can be told apart, though nobody has written yet.
 */
export async function markMastership(ctx: Context, mysql: MysqlConnection, name: string, node: string): Promise<void> {
  await mysql.tell(ctx, 'CREATE DATABASE IF NOT EXISTS consul_locker')
  await mysql.tell(
    ctx,
    `CREATE TABLE IF NOT EXISTS consul_locker.mastership
       (name VARCHAR(200) PRIMARY KEY, node VARCHAR(200) NOT NULL, since TIMESTAMP NOT NULL) ENGINE = InnoDB`,
  )
  await mysql.tell(ctx, 'REPLACE INTO consul_locker.mastership VALUES (?, ?, NOW())', [name, node])
}

/**
 * Rejects when an account could write to a read-only server from elsewhere: to demote such a server would mean nothing.
 * Accounts of this machine are its administrators'.
 */
export async function assertReadOnlyBinds(
  ctx: Context,
  mysql: MysqlConnection,
  administrators: readonly string[],
): Promise<void> {
  const rows = await mysql.ask(
    ctx,
    `SELECT GRANTEE AS grantee FROM information_schema.USER_PRIVILEGES
       WHERE PRIVILEGE_TYPE IN ('READ_ONLY ADMIN', 'READ ONLY ADMIN')`,
  )
  const accounts = rows.map(({ grantee }) => String(grantee).replaceAll("'", ''))
  const found = accounts.find((account) => !account.endsWith('@localhost') && !administrators.includes(account))
  if (found === undefined) return
  const ways = 'revoke that, or name it in mysql.administrators'
  throw new Failure('precondition', `read_only doesn't bind ${found}, which has READ_ONLY ADMIN (${ways})`)
}
