import { sleep, withTimeout } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { Failure, messageOf } from '../../../base/failure.ts'
import type { Leader } from '../../machine/agent-state.ts'
import type { CallOptions, HealthReport } from '../application.ts'
import type { Handler, HandlerFactory, HandlerSetting, Readiness } from '../handler.ts'
import { type Note, shortfall } from '../note.ts'
import { noteEnd } from '../note-store.ts'
import { delayCopies } from './copy-delay.ts'
import { newToken, ownData, readDataToken, tokenKey, tokenText } from './data-token.ts'
import { assertClosed, close, closeWithToken, dismissClients, endScript, open, replicasReach } from './redis-closing.ts'
import { NobodyListens, RedisConnection, readPassword } from './redis-connection.ts'
import { placeName, type RedisOptions, type RedisPlace, redisOptions } from './redis-options.ts'
import { assertNoProcess, killRedis, type ServedPort } from './redis-process.ts'
import { CLOSED, lookAt, type RedisState } from './redis-state.ts'

/** A master without a leader; nobody serves there, so it takes no writes and gives nobody its data. */
const NOWHERE = ['127.0.0.1', '1'] as const
const BACKLOG_MS = 300
const LOOK_MS = 50
/** What a demotion has for the others, once it takes no writes any more. */
const FAREWELL_MS = 1500

/** `application: redis` */
export const redisHandler: HandlerFactory = (setting, before) => new RedisHandler(setting, before)

/** What a handler remembers of its Redis. */
interface Memory {
  /** The run of Redis that was found to have what was noted. */
  comparedRun?: string
  /** The token of the last note, and how many writes Redis counted then. */
  lastNote?: { readonly token: string; readonly changes: number } | undefined
}

/** A Redis that is failed over without losing what it has acknowledged when its role moves on. */
export class RedisHandler implements Handler {
  readonly #setting: HandlerSetting
  readonly #options: RedisOptions
  readonly #place: RedisPlace
  readonly #served: ServedPort
  readonly #memory: Memory

  /** With the memory of the handler before: its file was read again, and Redis is the same. */
  constructor(setting: HandlerSetting, before?: Handler) {
    const { address, port } = setting.file
    this.#memory = before instanceof RedisHandler ? before.#memory : {}
    this.#setting = setting
    this.#options = redisOptions(setting.file.redis)
    const { host = address ?? '127.0.0.1', socket } = this.#options
    this.#place = { host, port, socket }
    this.#served = { hosts: [host, ...(address === undefined ? [] : [address])], port }
  }

  async health(ctx: Context, role: 'master' | 'slave'): Promise<HealthReport> {
    try {
      return await this.#with(ctx, async (redis) => healthOf(await lookAt(redis), role))
    } catch (thrown) {
      const isStopped = thrown instanceof NobodyListens && (await isGone(this.#served))
      return { healthy: false, message: messageOf(thrown), ...(isStopped ? { role: 'stopped' } : {}) }
    }
  }

  async readyToLead(ctx: Context): Promise<Readiness> {
    return this.#with(ctx, async (redis) => {
      const state = await lookAt(redis)
      if (state.loading) return { ready: false, message: 'Redis loads its data' }
      const note = await this.#setting.notes.read(ctx)
      if (!note) return { ready: true, message: 'nobody has led yet', position: state.keys }
      const own = ownData(state, await readDataToken(redis, this.#setting.file.name), note)
      const lack = shortfall(own, note)
      return { ready: lack === undefined, message: lack ?? `at ${own.position}`, position: own.position }
    })
  }

  async ensureMaster(ctx: Context): Promise<void> {
    await this.#with(ctx, async (redis) => {
      const before = await lookAt(redis)
      // What was compared since Redis' start goes on while Consul is away: the lease says how long.
      const goesOn = before.open && before.runId === this.#memory.comparedRun
      const note = goesOn
        ? await unless(goesOn, ctx, () => this.#setting.notes.read(ctx))
        : await this.#assertCaughtUp(ctx, redis, before)
      const { min_replicas } = this.#options
      if (before.minReplicas !== min_replicas) await open(redis, min_replicas)
      if (before.role === 'slave') await redis.tell('REPLICAOF', 'NO', 'ONE')
      if (!goesOn) await delayCopies(redis)
      const leading = await this.#withHistory(ctx, redis)
      if (!this.#isNoted(leading, note)) await unless(goesOn, ctx, () => this.#note(ctx, redis, leading))
      this.#memory.comparedRun = before.runId
    })
  }

  async ensureSlave(ctx: Context, leader: Leader): Promise<void> {
    await this.#with(ctx, async (redis) => {
      const { following, minReplicas } = await lookAt(redis)
      await this.#setReplicaPassword(redis)
      if (minReplicas !== CLOSED) await close(redis)
      if (following?.host === leader.address && following.port === leader.port) return
      await this.#assertNotedBy(ctx, leader)
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
      await this.#assertNotedBy(ctx, leader)
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
   * Settles with the note of the last master when this Redis has what stands there. One that is open and can't show
   * that by its own history has restarted, perhaps without its data: nobody must write to it, or copy it, until the
   * candidates have compared what they have.
   */
  async #assertCaughtUp(ctx: Context, redis: RedisConnection, state: RedisState): Promise<Note | undefined> {
    try {
      const note = await this.#setting.notes.read(ctx)
      if (!note) return undefined
      const lack = shortfall(
        state.open
          ? ownData({ ...state, data: state.data.slice(0, 1) }, undefined, note)
          : ownData(state, await readDataToken(redis, this.#setting.file.name), note),
        note,
      )
      if (lack !== undefined) throw new Failure('precondition', lack)
      return note
    } catch (thrown) {
      if (state.open && !ctx.signal.aborted) await redis.tell('REPLICAOF', ...NOWHERE)
      throw thrown
    }
  }

  /** A master that is announced has noted what it had. */
  async #assertNotedBy(ctx: Context, leader: Leader): Promise<void> {
    const note = await this.#setting.notes.read(ctx)
    if (note?.node === leader.node) return
    throw new Failure('precondition', `${leader.node} hasn't noted yet what it has`)
  }

  /**
   * A master without a backlog (it never was a replica, or had none for long) begins another history when a replica
   * comes, and should it die before that is noted, no replica would be ready any more. So a replica comes now, and goes.
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

  /** Whether nothing has been written since the note that stands there: an idle Redis isn't made to save, or to log. */
  #isNoted({ data: [own], changes }: RedisState, note: Note | undefined): boolean {
    if (note?.token === undefined || note.token !== this.#memory.lastNote?.token) return false
    return own?.history === note.history && (changes === this.#memory.lastNote.changes || changes === 0)
  }

  async #note(ctx: Context, redis: RedisConnection, { data: [own] }: RedisState): Promise<void> {
    const { file, node, notes } = this.#setting
    const token = own && newToken(own)
    const isSet =
      token && (await redis.ask('SET', tokenKey(file.name), tokenText(token)).catch(() => undefined)) === 'OK'
    const { data, changes } = await lookAt(redis)
    if (!data[0]) return
    const slack = slackAt(data[0].position, this.#options.max_loss)
    await notes.write(ctx, { node, ...data[0], slack, ...(isSet ? { token: token.id } : {}) })
    this.#memory.lastNote = isSet ? { token: token.id, changes } : undefined
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
      const late = () => new Failure('timed-out', 'Consul takes no note')
      await withTimeout(ctx, FAREWELL_MS, late, (ctx) => noteEnd(ctx, notes, { node, ...own, slack: 0n, token }, isOf))
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

/** Who has nearly nothing must not pass for caught up because there wasn't much yet. */
function slackAt(position: bigint, maxLoss: number): bigint {
  const half = position / 2n
  return half < maxLoss ? half : BigInt(maxLoss)
}

/** What `work` settles with; with `undefined` when it fails and need not succeed. */
async function unless<T>(isSpare: boolean, ctx: Context, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (thrown) {
    if (!isSpare || ctx.signal.aborted) throw thrown
    ctx.log.debug(`the note of what Redis has: ${messageOf(thrown)}`)
    return undefined
  }
}

async function isGone(served: ServedPort): Promise<boolean> {
  return assertNoProcess(served).then(
    () => true,
    () => false,
  )
}

function healthOf(state: RedisState, role: 'master' | 'slave'): HealthReport {
  const { loading, unsaved, replicas, following } = state
  const really = state.open ? 'master' : 'slave'
  const unhealthy = (message: string): HealthReport => ({ healthy: false, message, role: really })
  if (loading) return unhealthy('Redis loads its data')
  if (unsaved !== undefined) return unhealthy(`Redis can't save: ${unsaved}`)
  if (role === 'master' && state.role === 'slave') return unhealthy('Redis has restarted, and is no master any more')
  const healthy = (message: string): HealthReport => ({ healthy: true, message, role: really })
  if (!following) {
    const online = replicas.filter((replica) => replica.online).length
    return healthy(state.open ? `Redis operating as master with ${online} replicas` : 'Redis takes no writes')
  }
  const { host, port, connected, lagMs } = following
  if (port === Number(NOWHERE[1])) return healthy('Redis waits for its role')
  return {
    ...healthy(`Redis operating as replica of ${placeName({ host, port })}, link ${connected ? 'up' : 'down'}`),
    lagMs,
  }
}
