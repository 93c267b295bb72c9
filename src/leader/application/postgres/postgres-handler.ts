import { sleep } from '../../../base/abort.ts'
import type { Instant } from '../../../base/clock.ts'
import type { Context } from '../../../base/context.ts'
import { Failure, messageOf } from '../../../base/failure.ts'
import type { Leader } from '../../machine/agent-state.ts'
import type { CallOptions, HealthReport } from '../application.ts'
import { callLimitMs } from '../call-limit.ts'
import type { Handler, HandlerSetting, Readiness } from '../handler.ts'
import { demoteServer } from './demotion.ts'
import { copyData, FOLLOWING_NOBODY, type Follower, follow } from './follow.ts'
import { LocalServer } from './local-server.ts'
import { MasterServer } from './master-server.ts'
import { isNotServing } from './postgres-client.ts'
import type { PostgresOptions } from './postgres-options.ts'
import { PostgresPromotionGuard } from './postgres-promotion-guard.ts'
import { dropLargeSlots, FURTHEST, mirrorSlots, slotOf } from './replication-slot.ts'
import { type ServerState, serverState, walReceiver } from './server-state.ts'
import { describePoint, orderedPosition } from './wal-point.ts'

const LOOK_MS = 100

/** Fails PostgreSQL over. What it knows, it knows of the server, of its data, and of the note at Consul. */
class PostgresHandler implements Handler {
  readonly #setting: HandlerSetting
  readonly #options: PostgresOptions
  readonly #server: LocalServer
  readonly #follower: Follower
  readonly #guard: PostgresPromotionGuard
  /** Since when it is a standby that receives from nobody, as far as it was looked. */
  #aloneSince: Instant | undefined

  constructor(setting: HandlerSetting, options: PostgresOptions) {
    const { node, notes, environment } = setting
    this.#setting = setting
    this.#options = options
    this.#server = new LocalServer(options, environment)
    this.#follower = { server: this.#server, node, slot: slotOf(node) }
    this.#guard = new PostgresPromotionGuard(notes, node)
  }

  async health(ctx: Context, role: 'master' | 'slave'): Promise<HealthReport> {
    const server = this.#server
    if (!server.isRunning) return { healthy: false, message: 'PostgreSQL is not running', role: 'stopped' }
    try {
      return await server.ask(ctx, async (ask) => {
        const { recovering } = await serverState(ask)
        if (!recovering) {
          const [row] = await ask("SELECT count(*) AS standbys FROM pg_stat_replication WHERE state = 'streaming'")
          const message = `PostgreSQL operating as master with ${row?.standbys} standbys`
          return { healthy: true, message, role: 'master' }
        }
        if (role === 'master') {
          return { healthy: false, message: 'PostgreSQL has restarted, and is no master any more', role: 'slave' }
        }
        const from = await walReceiver(ask)
        const isAlone = from?.streaming !== true
        this.#aloneSince = isAlone ? (this.#aloneSince ?? ctx.clock.now()) : undefined
        const message = `PostgreSQL operating as standby${isAlone ? '' : ` of ${from.host}:${from.port}`}`
        // What a master writes that it isn't connected to, nobody tells it.
        const lagMs = this.#aloneSince ? Math.round(ctx.clock.since(this.#aloneSince)) : from?.lagMs
        return { healthy: true, message, role: 'slave', lag: isAlone ? undefined : from.lag, lagMs }
      })
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      const message = `PostgreSQL doesn't answer: ${messageOf(thrown)}`
      const isStandby = isNotServing(thrown) && server.data.startsAsStandby
      return { healthy: false, message, ...(isStandby ? { role: 'slave' } : {}) }
    }
  }

  async readyToLead(ctx: Context): Promise<Readiness> {
    const own = await this.#server.ask(ctx, serverState)
    const position = orderedPosition(own)
    const lack = await this.#guard.shortfallOf(ctx, own)
    return { ready: lack === undefined, message: lack ?? `at ${describePoint(own)}`, position }
  }

  async ensureMaster(ctx: Context): Promise<void> {
    const before = await this.#server.ask(ctx, serverState)
    if (before.recovering) await this.#promote(ctx, before)
    const slack = BigInt(this.#options.max_loss)
    const now = await this.#server.ask(ctx, async (ask) => {
      const dropped = await dropLargeSlots(ask, this.#options.keep_wal)
      if (dropped.length > 0) ctx.log.warn(`dropped the slots ${dropped.join(', ')}, which kept too much of the log`)
      return serverState(ask)
    })
    if (now.recovering) throw new Error('PostgreSQL is no master any more')
    const noted = this.#guard.note(ctx, now.system, now, slack)
    // Later on, a Consul that doesn't answer is the agent's trouble, who knows for how long we may go on.
    await (before.recovering ? noted : noted.catch((thrown) => ctx.log.debug(messageOf(thrown))))
  }

  async #promote(ctx: Context, own: ServerState): Promise<void> {
    const lack = await this.#guard.shortfallOf(ctx, own)
    if (lack !== undefined) throw new Error(lack)
    this.#server.set(FOLLOWING_NOBODY)
    ctx.signal.throwIfAborted()
    await this.#server.ask(ctx, (ask) => ask('SELECT pg_promote(false)'))
    // What it has received, and not taken in yet, comes first. However long that takes, a demotion puts an end to it.
    while ((await this.#server.ask(ctx, serverState)).recovering) await sleep(ctx, LOOK_MS)
  }

  async ensureSlave(ctx: Context, leader: Leader, options: CallOptions): Promise<void> {
    const master = this.#masterAt(leader)
    await follow(ctx, options, this.#follower, master)
    try {
      // The master may be the next one to be away.
      const slots = [...(await master.otherSlots(ctx)), { name: slotOf(leader.node), lsn: FURTHEST }]
      await this.#server.ask(ctx, (ask) => mirrorSlots(ask, slots))
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      ctx.log.debug(`the slots of the other members can't be kept: ${messageOf(thrown)}`)
    }
  }

  async standBy(ctx: Context, options: CallOptions): Promise<void> {
    const { data, isRunning } = this.#server
    if (!data.isFilled) throw new Error(`${data.path} has no data: it takes those of a master`)
    if (data.isTorn) throw new Error(`${data.path} was not rewound to the end: it takes the data of a master`)
    if (!isRunning) return this.#server.start(ctx, options)
    const { recovering } = await this.#server.ask(ctx, serverState)
    if (!recovering) await this.demote(ctx, options)
  }

  async demote(ctx: Context, options: CallOptions): Promise<void> {
    const limitMs = callLimitMs(this.#setting.file, 'demote', options.hurried)
    await demoteServer(ctx, options, this.#server, this.#guard, { limitMs, hurried: options.hurried })
  }

  async fence(ctx: Context): Promise<void> {
    await this.#server.postmaster.kill(ctx)
  }

  async reinit(ctx: Context, leader: Leader, options: CallOptions): Promise<void> {
    await copyData(ctx, options, this.#follower, this.#masterAt(leader))
  }

  #masterAt(leader: Leader): MasterServer {
    return new MasterServer(leader, this.#options.user, this.#server.passfile, this.#follower.slot)
  }
}

/** Makes what fails PostgreSQL over. Throws a `config` failure when this user can't. */
export function postgresHandler(setting: HandlerSetting): Handler {
  const { postgres } = setting.file
  if (!postgres) throw new Failure('config', 'the key postgres.data is missing')
  if (process.geteuid?.() === 0) {
    throw new Failure('config', 'PostgreSQL refuses to run as root', {
      hint: 'run the agent as the owner of the data: User=postgres in its unit',
    })
  }
  return new PostgresHandler(setting, postgres)
}
