import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { Failure, messageOf } from '../../../base/failure.ts'
import type { Leader } from '../../machine/agent-state.ts'
import type { CallOptions, HealthReport } from '../application.ts'
import type { Handler, HandlerFactory, HandlerSetting, Readiness } from '../handler.ts'
import { type Note, shortfall } from '../note.ts'
import { noteEnd } from '../note-store.ts'
import { delayCopies } from './copy-delay.ts'
import { ownData, readDataToken } from './data-token.ts'
import { assertClosed, close, closeWithToken, dismissClients, endScript, open, replicasReach } from './redis-closing.ts'
import { NobodyListens, RedisConnection, readPassword } from './redis-connection.ts'
import { redisHealth } from './redis-health.ts'
import { placeName, type RedisOptions, type RedisPlace, redisOptions } from './redis-options.ts'
import { assertNoProcess, killRedis, type ServedPort } from './redis-process.ts'
import { RedisPromotionGuard } from './redis-promotion-guard.ts'
import { CLOSED, lookAt, type RedisState } from './redis-state.ts'

const BACKLOG_MS = 300
const LOOK_MS = 50

/** `application: redis` */
export const redisHandler: HandlerFactory = (setting, before) => new RedisHandler(setting, before)

/** A Redis that is failed over without losing what it has acknowledged when its role moves on. */
export class RedisHandler implements Handler {
  readonly #setting: HandlerSetting
  readonly #options: RedisOptions
  readonly #place: RedisPlace
  readonly #served: ServedPort
  readonly #guard: RedisPromotionGuard

  /** With the memory of the handler before: its file was read again, and Redis is the same. */
  constructor(setting: HandlerSetting, before?: Handler) {
    const { address, port } = setting.file
    this.#setting = setting
    this.#options = redisOptions(setting.file.redis)
    this.#guard = new RedisPromotionGuard(
      setting,
      this.#options,
      before instanceof RedisHandler ? before.#guard : undefined,
    )
    const { host = address ?? '127.0.0.1', socket } = this.#options
    this.#place = { host, port, socket }
    this.#served = { hosts: [host, ...(address === undefined ? [] : [address])], port }
  }

  async health(ctx: Context, role: 'master' | 'slave'): Promise<HealthReport> {
    try {
      return await this.#with(ctx, async (redis) => redisHealth(await lookAt(redis), role))
    } catch (thrown) {
      const isStopped = thrown instanceof NobodyListens && (await isGone(this.#served))
      return { healthy: false, message: messageOf(thrown), ...(isStopped ? { role: 'stopped' } : {}) }
    }
  }

  async readyToLead(ctx: Context): Promise<Readiness> {
    return this.#with(ctx, async (redis) => {
      const state = await lookAt(redis)
      if (state.loading) return { ready: false, message: 'Redis loads its data' }
      const compared = await this.#guard.compare(ctx, redis, state)
      if (!compared) return { ready: true, message: 'nobody has led yet', position: state.keys }
      const { own, lack } = compared
      return { ready: lack === undefined, message: lack ?? `at ${own.position}`, position: own.position }
    })
  }

  async ensureMaster(ctx: Context): Promise<void> {
    await this.#with(ctx, async (redis) => {
      const before = await lookAt(redis)
      const goesOn = this.#guard.goesOn(before)
      const note = await this.#guard.assertCaughtUp(ctx, redis, before)
      const { min_replicas } = this.#options
      if (before.minReplicas !== min_replicas) await open(redis, min_replicas)
      if (before.role === 'slave') await redis.tell('REPLICAOF', 'NO', 'ONE')
      if (!goesOn) await delayCopies(redis)
      await this.#guard.note(ctx, redis, await this.#withHistory(ctx, redis), { note, goesOn })
    })
  }

  async ensureSlave(ctx: Context, leader: Leader): Promise<void> {
    await this.#with(ctx, async (redis) => {
      const { following, minReplicas } = await lookAt(redis)
      await this.#setReplicaPassword(redis)
      if (minReplicas !== CLOSED) await close(redis)
      if (following?.host === leader.address && following.port === leader.port) return
      await this.#guard.assertNotedBy(ctx, leader)
      await redis.tell('REPLICAOF', leader.address, String(leader.port))
    })
  }

  async standBy(ctx: Context): Promise<void> {
    await this.#with(ctx, async (redis) => {
      if ((await lookAt(redis)).open) await close(redis)
    })
  }

  async demote(ctx: Context, { hurried }: CallOptions): Promise<void> {
    try {
      await this.#with(ctx, async (redis) => {
        await endScript(ctx, redis)
        const { name } = this.#setting.file
        const before = await lookAt(redis)
        if (!before.open) return
        const had = await readDataToken(redis, name)
        // One that has restarted since its last token has another history, and is known for whole by that token alone.
        const isSameRun = had === undefined || had.history === before.data[0]?.history
        const token = isSameRun ? await closeWithToken(redis, before, name) : had
        if (!isSameRun) await close(redis)
        const { data } = await assertClosed(redis, before.runId)
        const isOf = (note: Note) => shortfall(ownData(before, had, note), note) === undefined
        await this.#bidFarewell(ctx, redis, { own: data[0], token: token?.id, isOf }, hurried)
      })
    } catch (thrown) {
      if (!(thrown instanceof NobodyListens)) throw thrown
      await assertNoProcess(this.#served)
    }
  }

  async fence(ctx: Context): Promise<void> {
    if (await killRedis(ctx, this.#served)) return
    try {
      await this.#with(ctx, async () => {})
    } catch (thrown) {
      if (thrown instanceof NobodyListens) return
    }
    throw new Failure('failed', `Redis at ${placeName(this.#place)} is served by no process of this machine`)
  }

  async reinit(ctx: Context, leader: Leader): Promise<void> {
    await this.#with(ctx, async (redis) => {
      await this.#guard.assertNotedBy(ctx, leader)
      await close(redis)
      await this.#setReplicaPassword(redis)
      // With a history of its own it gets all data anew.
      await redis.tell('REPLICAOF', 'NO', 'ONE')
      await redis.tell('REPLICAOF', leader.address, String(leader.port))
      for (let state = await lookAt(redis); !state.following?.connected; state = await lookAt(redis))
        await sleep(ctx, LOOK_MS)
    })
  }

  async #with<T>(ctx: Context, work: (redis: RedisConnection) => Promise<T>): Promise<T> {
    using redis = await RedisConnection.open(ctx, this.#place, this.#options)
    return await work(redis)
  }

  /**
   * A master without a backlog (it never was a replica, or had none for long) begins another history when a replica
   * comes, and should it die before that is noted, no replica would be ready any more. So a replica comes now, and
   * goes.
   */
  async #withHistory(ctx: Context, redis: RedisConnection): Promise<RedisState> {
    let state = await lookAt(redis)
    if (state.hasBacklog) return state
    using replica = await RedisConnection.open(ctx, this.#place, this.#options)
    replica.ask('PSYNC', '?', '-1').catch(() => {})
    const beganAt = ctx.clock.now()
    while (!state.hasBacklog && ctx.clock.since(beganAt) < BACKLOG_MS) state = await lookAt(redis)
    return state
  }

  /** What the next master is owed, of one that takes no writes any more: as much as can be had in a short time. */
  async #bidFarewell(
    ctx: Context,
    redis: RedisConnection,
    { own, token, isOf }: LastData,
    hurried: boolean,
  ): Promise<void> {
    const { node, notes } = this.#setting
    const { sync_limit } = this.#options
    try {
      await dismissClients(redis)
      if (!own) return
      const behind = hurried ? 0 : await replicasReach(ctx, redis, own.position, sync_limit)
      if (behind > 0) ctx.log.warn(`${behind} replicas have not caught up: who leads next has to wait for that`)
      await noteEnd(ctx, notes, { node, ...own, slack: 0n, token }, isOf)
    } catch (thrown) {
      ctx.log.warn(`the demoted Redis: ${messageOf(thrown)}`)
    }
  }

  /** Replicas of a Redis with a password have to give it; ours is the one that all of them have. */
  async #setReplicaPassword(redis: RedisConnection): Promise<void> {
    const { username, password_file } = this.#options
    if (password_file === undefined) return
    const password = readPassword(password_file)
    const [, before] = (await redis.ask('CONFIG', 'GET', 'masterauth')) as string[]
    if (before === password) return
    if (username !== undefined) await redis.tell('CONFIG', 'SET', 'masteruser', username)
    await redis.tell('CONFIG', 'SET', 'masterauth', password)
  }
}

/** What a Redis had when it was closed. */
interface LastData {
  readonly own: RedisState['data'][number] | undefined
  /** Its last write. */
  readonly token: string | undefined
  /** Whether these are the data that were noted. */
  isOf(note: Note): boolean
}

async function isGone(served: ServedPort): Promise<boolean> {
  return assertNoProcess(served).then(
    () => true,
    () => false,
  )
}
