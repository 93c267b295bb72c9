import type { Context } from '../../../base/context.ts'
import { Failure, messageOf } from '../../../base/failure.ts'
import type { Leader } from '../../machine/agent-state.ts'
import type { HandlerSetting } from '../handler.ts'
import { type Note, type OwnData, shortfall } from '../note.ts'
import { newToken, ownData, readDataToken, tokenKey, tokenText } from './data-token.ts'
import type { RedisConnection } from './redis-connection.ts'
import { NOWHERE } from './redis-health.ts'
import type { RedisOptions } from './redis-options.ts'
import { lookAt, type RedisState } from './redis-state.ts'

/** What is remembered of a Redis, whose handlers may come and go. */
interface Memory {
  /** The run of Redis that was found to have what was noted. */
  comparedRun?: string
  /** The token of the last note, and how many writes Redis counted then. */
  lastNote?: { readonly token: string; readonly changes: number } | undefined
}

/** What a Redis has beside what the last master has noted. */
export interface Comparison {
  readonly own: OwnData
  /** Why it may not lead; `undefined`: it may. */
  readonly lack: string | undefined
}

/**
 * Keeps a Redis that was emptied, or has less than the last master, from becoming master: it is held to the note of
 * what that had, and notes what it has itself while it leads.
 */
export class RedisPromotionGuard {
  readonly #setting: HandlerSetting
  readonly #options: RedisOptions
  readonly #memory: Memory

  /** With the memory of the one `before`. */
  constructor(setting: HandlerSetting, options: RedisOptions, before: RedisPromotionGuard | undefined) {
    this.#setting = setting
    this.#options = options
    this.#memory = before ? before.#memory : {}
  }

  /** What was compared since Redis' start goes on while Consul is away: the lease says how long. */
  goesOn({ open, runId }: RedisState): boolean {
    return open && runId === this.#memory.comparedRun
  }

  /** `undefined`: nobody has noted anything yet. Rejects with a `Failure` when Consul doesn't answer. */
  async compare(ctx: Context, redis: RedisConnection, state: RedisState): Promise<Comparison | undefined> {
    const note = await this.#setting.notes.read(ctx)
    if (!note) return undefined
    const own = ownData(state, await readDataToken(redis, this.#setting.file.name), note)
    return { own, lack: shortfall(own, note) }
  }

  /**
   * Settles with the note of the last master when this Redis has what stands there, or goes on. One that is open and
   * can't show that by its own history has restarted, perhaps without its data: nobody must write to it, or copy it,
   * until the candidates have compared what they have.
   */
  async assertCaughtUp(ctx: Context, redis: RedisConnection, state: RedisState): Promise<Note | undefined> {
    if (this.goesOn(state)) return tolerant(ctx, () => this.#setting.notes.read(ctx))
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
  async assertNotedBy(ctx: Context, leader: Leader): Promise<void> {
    const note = await this.#setting.notes.read(ctx)
    if (note?.node === leader.node) return
    throw new Failure('precondition', `${leader.node} hasn't noted yet what it has`)
  }

  /**
   * A master notes what it has, unless that is what stands there (`note`). Rejects when it can't; one that `goesOn`
   * need not succeed.
   */
  async note(
    ctx: Context,
    redis: RedisConnection,
    leading: RedisState,
    { note, goesOn }: { readonly note: Note | undefined; readonly goesOn: boolean },
  ): Promise<void> {
    const write = () => this.#write(ctx, redis, leading)
    if (!this.#isNoted(leading, note)) await (goesOn ? tolerant(ctx, write) : write())
    this.#memory.comparedRun = leading.runId
  }

  /** Whether nothing has been written since the note that stands there: an idle Redis isn't made to save, or to log. */
  #isNoted({ data: [own], changes }: RedisState, note: Note | undefined): boolean {
    if (note?.token === undefined || note.token !== this.#memory.lastNote?.token) return false
    return own?.history === note.history && (changes === this.#memory.lastNote.changes || changes === 0)
  }

  async #write(ctx: Context, redis: RedisConnection, { data: [own] }: RedisState): Promise<void> {
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
}

/** A node that has nearly nothing must not pass for caught up because there wasn't much yet. */
function slackAt(position: bigint, maxLoss: number): bigint {
  const half = position / 2n
  return half < maxLoss ? half : BigInt(maxLoss)
}

/** What `work` settles with; it need not succeed. */
async function tolerant<T>(ctx: Context, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (thrown) {
    if (ctx.signal.aborted) throw thrown
    ctx.log.debug(`the note of what Redis has: ${messageOf(thrown)}`)
    return undefined
  }
}
