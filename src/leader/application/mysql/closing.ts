import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { messageOf } from '../../../base/failure.ts'
import type { MysqlConnection } from './mysql-connection.ts'

const KILL_AGAIN_MS = 100
const LOOK_MS = 50
/** Threads that are nobody's connection: replication both ways, events, and the server's own. */
const OWN_COMMANDS = ['Binlog Dump', 'Slave_IO', 'Slave_SQL', 'Slave_worker', 'Daemon']

/**
 * Has a server take no more writes, and ends all connections: who was in a transaction must hear of it, and who asks
 * for the master must find the new one. `read_only` comes once what is being written has ended, so that is killed.
 * `opener` makes the second connection that this needs.
 */
export async function closeServer(
  ctx: Context,
  mysql: MysqlConnection,
  opener: (ctx: Context) => Promise<MysqlConnection>,
): Promise<void> {
  using killer = await opener(ctx)
  const [self = {}] = await mysql.ask(ctx, 'SELECT CONNECTION_ID() AS id')
  let isClosed = false
  const closing = mysql.tell(ctx, 'SET GLOBAL read_only = 1').finally(() => {
    isClosed = true
  })
  closing.catch(() => {}) // It is awaited below.
  while (!isClosed) {
    await killConnections(ctx, killer, [String(self.id)])
    await Promise.race([closing, sleep(ctx, KILL_AGAIN_MS)])
  }
  await closing
  await killConnections(ctx, killer, [String(self.id)])
}

async function killConnections(ctx: Context, mysql: MysqlConnection, but: readonly string[]): Promise<void> {
  const threads = await mysql.ask(
    ctx,
    `SELECT ID AS id, USER AS user, COMMAND AS command FROM information_schema.PROCESSLIST
       WHERE ID <> CONNECTION_ID() AND USER <> 'system user'`,
  )
  for (const { id, command } of threads) {
    if (but.includes(String(id)) || OWN_COMMANDS.includes(String(command))) continue
    await mysql.tell(ctx, `KILL HARD CONNECTION ${Number(id)}`).catch((thrown: unknown) => {
      ctx.signal.throwIfAborted()
      ctx.log.debug(messageOf(thrown)) // It has just ended.
    })
  }
}

/** Waits until all slaves have been sent everything. Settles with how many have not, after so many milliseconds. */
export async function slavesReach(ctx: Context, mysql: MysqlConnection, limitMs: number): Promise<number> {
  const beganAt = ctx.clock.now()
  for (;;) {
    const [{ behind } = {}] = await mysql.ask(
      ctx,
      `SELECT COUNT(*) AS behind FROM information_schema.PROCESSLIST
         WHERE COMMAND = 'Binlog Dump' AND STATE NOT LIKE '%has sent all binlog to slave%'`,
    )
    if (Number(behind) === 0 || ctx.clock.since(beganAt) >= limitMs) return Number(behind)
    await sleep(ctx, LOOK_MS)
  }
}
