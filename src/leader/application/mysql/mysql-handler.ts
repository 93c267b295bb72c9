import type { Context } from '../../../base/context.ts'
import { Failure, messageOf } from '../../../base/failure.ts'
import type { Leader } from '../../machine/agent-state.ts'
import type { CallOptions, HealthReport } from '../application.ts'
import type { Handler, HandlerSetting, Readiness } from '../handler.ts'
import { isRunning, killed } from '../own-process.ts'
import { cloneMaster, isUnused } from './clone.ts'
import { closeServer, slavesReach } from './closing.ts'
import {
  apply,
  assertNoTrouble,
  assertNothingErrant,
  drained,
  isFollowing,
  lookAtMaster,
  REINIT,
  replicate,
} from './following.ts'
import type { GtidProgress } from './gtid.ts'
import { assertReadOnlyBinds, markMastership } from './mastership.ts'
import { MysqlAway, MysqlConnection } from './mysql-connection.ts'
import { mysqlHealth } from './mysql-health.ts'
import type { MysqlOptions } from './mysql-options.ts'
import { MysqlPromotionGuard } from './mysql-promotion-guard.ts'
import { type MysqlState, stateOf } from './mysql-state.ts'
import { serversOf } from './mysqld-process.ts'
import { assertStartsClosed, wouldReopen } from './options-file.ts'

/** `application: mysql`. Throws a `config` failure without its section. */
export function mysqlHandler(setting: HandlerSetting): Handler {
  const { mysql } = setting.file
  if (!mysql) throw new Failure('config', 'the key mysql.replication_user is missing')
  return new MysqlHandler(setting, mysql)
}

/** Fails MariaDB over by GTIDs. Who starts the server is the machine's own business. */
class MysqlHandler implements Handler {
  readonly #setting: HandlerSetting
  readonly #options: MysqlOptions
  readonly #guard: MysqlPromotionGuard

  constructor(setting: HandlerSetting, options: MysqlOptions) {
    this.#setting = setting
    this.#options = options
    this.#guard = new MysqlPromotionGuard(setting.notes, setting.node, options)
  }

  async health(ctx: Context, role: 'master' | 'slave'): Promise<HealthReport> {
    try {
      const report = await this.#with(ctx, async (mysql) => mysqlHealth(await stateOf(ctx, mysql), role))
      const danger = report.role === 'master' ? await this.#danger(ctx) : undefined
      return danger === undefined ? report : { ...report, message: `${report.message}; ${danger}` }
    } catch (thrown) {
      const isStopped = thrown instanceof MysqlAway && serversOf(this.#options.data).length === 0
      return { healthy: false, message: messageOf(thrown), ...(isStopped ? { role: 'stopped' } : {}) }
    }
  }

  async readyToLead(ctx: Context): Promise<Readiness> {
    return this.#with(ctx, async (mysql) => {
      const state = await stateOf(ctx, mysql)
      const position = state.received.position
      const lack = state.unfit ?? state.replication?.trouble ?? (await this.#guard.shortfallOf(ctx, state.received))
      if (lack !== undefined) return { ready: false, message: lack, position }
      await assertStartsClosed(ctx, this.#options, this.#setting.environment)
      await assertReadOnlyBinds(ctx, mysql, this.#options.administrators)
      return { ready: true, message: `at ${position}`, position }
    })
  }

  async ensureMaster(ctx: Context): Promise<void> {
    await this.#with(ctx, async (mysql) => {
      const before = await stateOf(ctx, mysql)
      const wasOpen = before.isOpen && !before.replication
      if (!wasOpen) await this.#promote(ctx, mysql, before)
      const { applied } = wasOpen ? before : await stateOf(ctx, mysql)
      const noted = this.#guard.note(ctx, applied)
      // Later on, a Consul that doesn't answer is the agent's trouble, who knows for how long we may go on.
      await (wasOpen ? noted.catch((thrown) => ctx.log.debug(messageOf(thrown))) : noted)
    })
  }

  async #promote(ctx: Context, mysql: MysqlConnection, before: MysqlState): Promise<void> {
    if (before.unfit !== undefined) throw new Failure('precondition', before.unfit)
    await assertStartsClosed(ctx, this.#options, this.#setting.environment)
    await assertReadOnlyBinds(ctx, mysql, this.#options.administrators)
    if (before.replication) await drained(ctx, mysql)
    const { applied } = await stateOf(ctx, mysql)
    const lack = await this.#guard.shortfallOf(ctx, applied)
    if (lack !== undefined) throw new Failure('precondition', lack)
    if (before.replication) {
      await mysql.tell(ctx, 'STOP SLAVE')
      await mysql.tell(ctx, 'RESET SLAVE ALL')
    }
    await mysql.tell(ctx, 'SET GLOBAL read_only = 0')
    await markMastership(ctx, mysql, this.#setting.file.name, this.#setting.node)
  }

  async ensureSlave(ctx: Context, leader: Leader, options: CallOptions): Promise<void> {
    await this.#with(ctx, async (mysql) => {
      const state = await this.#closed(ctx, mysql)
      if (!state.isUnfinished && isFollowing(state, leader)) return assertNoTrouble(state)
      using master = await MysqlConnection.open(ctx, this.#placeOf(leader))
      const theirs = await lookAtMaster(ctx, master, state.domain)
      if (!theirs.isOpen) throw new Failure('precondition', `${leader.node} takes no writes yet`)
      if (state.isUnfinished || (state.applied.isEmpty && !theirs.has.isEmpty)) {
        if (!(await isUnused(ctx, mysql))) {
          throw new Failure('precondition', `this server has data that no master has written (${REINIT})`)
        }
        await this.#clone(ctx, mysql, leader, options)
      } else {
        assertNothingErrant(state.applied, theirs, leader.node)
      }
      await replicate(ctx, mysql, leader, this.#options)
    })
  }

  async standBy(ctx: Context): Promise<void> {
    // What it follows is left to it: what waits in the relay log is wanted.
    await this.#with(ctx, async (mysql) => apply(ctx, mysql, await this.#closed(ctx, mysql)))
  }

  async demote(ctx: Context, { hurried }: CallOptions): Promise<void> {
    try {
      await this.#with(ctx, async (mysql) => {
        if (!(await stateOf(ctx, mysql)).isOpen) return
        await this.#close(ctx, mysql)
        const { isOpen, applied } = await stateOf(ctx, mysql)
        if (isOpen) throw new Failure('failed', 'somebody has the server take writes again')
        await this.#bidFarewell(ctx, mysql, applied, hurried)
      })
    } catch (thrown) {
      if (!(thrown instanceof MysqlAway)) throw thrown
      const [server] = serversOf(this.#options.data)
      if (server) throw new Failure('failed', `${thrown.message}, but process ${server.pid} is there`)
    }
    await this.#assertStaysClosed(ctx)
  }

  async fence(ctx: Context): Promise<void> {
    // Killed, it would come back as a master, and nobody would have the lock.
    await this.#assertStaysClosed(ctx)
    const servers = serversOf(this.#options.data)
    await killed(ctx, servers)
    if (servers.length > 0 && !servers.some(isRunning)) return
    try {
      await this.#with(ctx, async () => {})
    } catch (thrown) {
      if (thrown instanceof MysqlAway) return
    }
    throw new Failure('failed', `no process of this machine works in ${this.#options.data}, but something answers`)
  }

  async reinit(ctx: Context, leader: Leader, options: CallOptions): Promise<void> {
    await this.#with(ctx, async (mysql) => {
      await this.#closed(ctx, mysql)
      await this.#clone(ctx, mysql, leader, options)
      await replicate(ctx, mysql, leader, this.#options)
    })
  }

  async #with<T>(ctx: Context, work: (mysql: MysqlConnection) => Promise<T>): Promise<T> {
    using mysql = await this.#open(ctx)
    return await work(mysql)
  }

  #danger(ctx: Context): Promise<string | undefined> {
    return wouldReopen(ctx, this.#options, this.#setting.environment)
  }

  async #assertStaysClosed(ctx: Context): Promise<void> {
    const danger = await this.#danger(ctx)
    if (danger !== undefined) throw new Failure('precondition', danger)
  }

  #open(ctx: Context): Promise<MysqlConnection> {
    const { socket, user, password_file } = this.#options
    return MysqlConnection.open(ctx, { socket, user, passwordFile: password_file })
  }

  #placeOf({ address, port }: Leader) {
    const { replication_user, replication_password_file } = this.#options
    return { host: address, port, user: replication_user, passwordFile: replication_password_file }
  }

  /** The server, which takes no writes. */
  async #closed(ctx: Context, mysql: MysqlConnection): Promise<MysqlState> {
    const state = await stateOf(ctx, mysql)
    if (!state.isOpen) return state
    await this.#close(ctx, mysql)
    return stateOf(ctx, mysql)
  }

  #close(ctx: Context, mysql: MysqlConnection): Promise<void> {
    return closeServer(ctx, mysql, (ctx) => this.#open(ctx))
  }

  async #clone(ctx: Context, mysql: MysqlConnection, leader: Leader, { onGroup }: CallOptions): Promise<void> {
    const { environment } = this.#setting
    ctx.log.notice(`taking the data of ${leader.node}`)
    await cloneMaster(ctx, mysql, leader, this.#options, { environment, onGroup })
  }

  /** What the next master is owed, of one that takes no writes any more: as much as can be had in a short time. */
  async #bidFarewell(ctx: Context, mysql: MysqlConnection, own: GtidProgress, hurried: boolean): Promise<void> {
    try {
      const behind = hurried ? 0 : await slavesReach(ctx, mysql, this.#options.sync_limit)
      if (behind > 0)
        ctx.log.warn(`${behind} slaves have not been sent everything: who leads next has to wait for that`)
      await this.#guard.noteLast(ctx, own)
    } catch (thrown) {
      ctx.log.warn(`the demoted MariaDB: ${messageOf(thrown)}`)
    }
  }
}
