import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { Leader } from '../../machine/agent-state.ts'
import { GtidProgress } from './gtid.ts'
import { type MysqlConnection, mysqlPassword } from './mysql-connection.ts'
import type { MysqlOptions } from './mysql-options.ts'
import { type MysqlState, type Replication, stateOf } from './mysql-state.ts'

const LOOK_MS = 50
/** The way out. */
export const REINIT = 'leader reinit takes the data of the master'

/** What a master says of itself to those who would follow it. */
export interface MasterState {
  readonly isOpen: boolean
  readonly has: GtidProgress
}

/** Looks at a master as its slaves may: without any privilege but to connect. */
export async function lookAtMaster(ctx: Context, master: MysqlConnection, domain: number): Promise<MasterState> {
  const [state = {}] = await master.ask(
    ctx,
    'SELECT @@read_only AS closed, @@gtid_binlog_state AS logged, @@gtid_slave_pos AS slave',
  )
  return {
    isOpen: Number(state.closed) === 0,
    has: GtidProgress.of(domain, String(state.logged ?? ''), String(state.slave ?? '')),
  }
}

/** Whether a server follows this master already, as far as it is its own doing. */
export function isFollowing({ replication }: MysqlState, { address, port }: Leader): boolean {
  return replication !== undefined && isOf(replication, address, port) && replication.receives && replication.applies
}

function isOf({ host, port, usesGtids }: Replication, address: string, masterPort: number): boolean {
  return usesGtids && host === address && port === masterPort
}

/** Why what stopped replication doesn't pass by itself. */
export function assertNoTrouble({ replication }: MysqlState): void {
  if (replication?.trouble === undefined) return
  throw new Failure('failed', `replication has stopped: ${replication.trouble} (${REINIT})`)
}

/**
 * Throws when this server has something that the master lacks: it can't follow, and what is more is lost by a clone.
 */
export function assertNothingErrant(own: GtidProgress, master: MasterState, node: string): void {
  const errant = own.lackingIn(master.has)
  if (errant === undefined) return
  throw new Failure('precondition', `this server has the transaction ${errant}, which ${node} lacks (${REINIT})`)
}

/** Has a server replicate from a master, from where its own data end. */
export async function replicate(
  ctx: Context,
  mysql: MysqlConnection,
  { address, port }: Leader,
  options: MysqlOptions,
): Promise<void> {
  const password = mysqlPassword(options.replication_password_file)
  await mysql.tell(ctx, 'STOP SLAVE')
  await mysql.tell(ctx, 'SET GLOBAL gtid_slave_pos = @@gtid_current_pos')
  await mysql.tell(
    ctx,
    `CHANGE MASTER TO MASTER_HOST = ?, MASTER_PORT = ?, MASTER_USER = ?, MASTER_PASSWORD = ?, MASTER_CONNECT_RETRY = 1,
       MASTER_HEARTBEAT_PERIOD = 2, MASTER_USE_GTID = slave_pos`,
    [address, port, options.replication_user, password],
  )
  await mysql.tell(ctx, 'START SLAVE')
}

/** Has the thread that applies run, unless something has stopped it that a person must look at. */
export async function apply(ctx: Context, mysql: MysqlConnection, state: MysqlState): Promise<void> {
  if (!state.replication || state.replication.applies) return
  assertNoTrouble(state)
  await mysql.tell(ctx, 'START SLAVE SQL_THREAD')
}

/** Waits until what was received is applied, and receives no more. Rejects when it can't be applied. */
export async function drained(ctx: Context, mysql: MysqlConnection): Promise<void> {
  // First this: with both threads stopped the server throws its relay log away when one is started.
  await apply(ctx, mysql, await stateOf(ctx, mysql))
  await mysql.tell(ctx, 'STOP SLAVE IO_THREAD')
  for (;;) {
    const state = await stateOf(ctx, mysql)
    assertNoTrouble(state)
    if (state.replication?.isThrough && state.received.lackingIn(state.applied) === undefined) return
    await sleep(ctx, LOOK_MS)
  }
}
