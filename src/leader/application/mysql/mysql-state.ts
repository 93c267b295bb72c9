import type { Context } from '../../../base/context.ts'
import { UNFINISHED } from './clone.ts'
import { GtidProgress } from './gtid.ts'
import type { MysqlConnection, MysqlRow } from './mysql-connection.ts'

/** The oldest whose `read_only` binds everybody with SUPER, too: https://jira.mariadb.org/browse/MDEV-29596 */
const OLDEST = [10, 11]

/** A server as it is now. */
export interface MysqlState {
  /** It takes writes. */
  readonly isOpen: boolean
  /** What its data have. */
  readonly applied: GtidProgress
  /** The same, with what waits in its relay log and is being applied. */
  readonly received: GtidProgress
  readonly domain: number
  readonly replication: Replication | undefined
  /** A copy of a master's data has come to no end here. */
  readonly isUnfinished: boolean
  /** What it lacks to be failed over at all. */
  readonly unfit: string | undefined
}

/** Whom it follows, and how that goes. */
export interface Replication {
  readonly host: string
  readonly port: number
  readonly usesGtids: boolean
  /** The thread that receives: it is there, perhaps without a connection. */
  readonly receives: boolean
  readonly isConnected: boolean
  readonly applies: boolean
  /** All that was received is applied. */
  readonly isThrough: boolean
  /** What has stopped it, and doesn't pass by itself. */
  readonly trouble: string | undefined
  /** How old what it applies is, in milliseconds, while it is connected. */
  readonly lagMs: number | undefined
}

/** Looks at a server. */
export async function stateOf(ctx: Context, mysql: MysqlConnection): Promise<MysqlState> {
  const [server = {}] = await mysql.ask(
    ctx,
    `SELECT @@version AS version, @@read_only AS closed, @@gtid_domain_id AS domain, @@gtid_binlog_state AS logged,
       @@gtid_slave_pos AS slave, @@log_bin AS log_bin, @@log_slave_updates AS log_slave_updates,
       @@gtid_strict_mode AS gtid_strict_mode,
       EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '${UNFINISHED}') AS unfinished`,
  )
  const [status] = await mysql.ask(ctx, 'SHOW ALL SLAVES STATUS')
  const domain = Number(server.domain)
  const logged = [String(server.logged ?? ''), String(server.slave ?? '')]
  const replication = status && replicationOf(status)
  const received = replication?.applies ? [String(status?.Gtid_IO_Pos ?? '')] : []
  return {
    isOpen: Number(server.closed) === 0,
    domain,
    applied: GtidProgress.of(domain, ...logged),
    received: GtidProgress.of(domain, ...logged, ...received),
    replication,
    isUnfinished: Number(server.unfinished) === 1,
    unfit: unfitness(server),
  }
}

/** Has a master's binary log gone on too far, or in another way? */
const ENDS_RECEIVING = [1236]

function replicationOf(status: MysqlRow): Replication {
  const text = (name: string) => String(status[name] ?? '')
  const ioError = Number(status.Last_IO_Errno ?? 0)
  const applies = text('Slave_SQL_Running') === 'Yes'
  const trouble =
    !applies && Number(status.Last_SQL_Errno ?? 0) !== 0
      ? text('Last_SQL_Error')
      : ENDS_RECEIVING.includes(ioError)
        ? text('Last_IO_Error')
        : undefined
  return {
    host: text('Master_Host'),
    port: Number(status.Master_Port),
    usesGtids: text('Using_Gtid') === 'Slave_Pos',
    receives: text('Slave_IO_Running') !== 'No',
    isConnected: text('Slave_IO_Running') === 'Yes',
    applies,
    isThrough: text('Slave_SQL_Running_State').startsWith('Slave has read all relay log'),
    trouble,
    lagMs: text('Seconds_Behind_Master') === '' ? undefined : Number(status.Seconds_Behind_Master) * 1000,
  }
}

function unfitness(server: MysqlRow): string | undefined {
  const version = String(server.version)
  const numbers = version.split('.').map(Number)
  const isOld =
    (numbers[0] ?? 0) < (OLDEST[0] ?? 0) || (numbers[0] === OLDEST[0] && (numbers[1] ?? 0) < (OLDEST[1] ?? 0))
  if (!/mariadb/i.test(version) || isOld) return `${version} is not MariaDB ${OLDEST.join('.')} or newer`
  const missing = ['log_bin', 'log_slave_updates', 'gtid_strict_mode'].find((name) => Number(server[name]) !== 1)
  if (missing) return `the server runs without ${missing}`
  return Number(server.unfinished) === 1 ? 'only some of the data of a master are here' : undefined
}
