import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey, readKeys } from '../consul/kv.ts'
import { type KvStep, transact } from '../consul/txn.ts'

/** No lock's name has an equals sign in it. */
const QUEUE = '=queue'

/** Consul takes 64 steps in a transaction; a look that finds more dead entries leaves the rest to the next. */
const CLEARED_AT_ONCE = 50

/** Where a contender stands. */
export interface Place {
  /** How many live contenders are before it. */
  readonly ahead: number
  /** The last of those. */
  readonly before: Entry | undefined
  /** What is to be done together with taking the lock, so that the line moves up. */
  readonly leaving: readonly KvStep[]
}

/**
 * The line of those who wait for one lock, so that a release wakes one of them and not all. It orders who tries, never
 * who holds. Everybody in it has an entry `<lock key>=queue/<session>`, held by that session; the raft index of its
 * creation is its ticket. An entry without its session is dead. The key `<lock key>=queue` is there while anybody may
 * be in line, and names the last: who comes new and finds it goes to the end of the line. Other keys there are nobody's.
 */
export class Queue {
  readonly #consul: Consul
  readonly #sign: string
  readonly #sessionId: string

  constructor(consul: Consul, lockKey: string, sessionId: string) {
    this.#consul = consul
    this.#sign = `${lockKey}${QUEUE}`
    this.#sessionId = sessionId
  }

  /** The step with which only who finds no line may take the lock. */
  get unlessInLine(): KvStep {
    return { verb: 'check-not-exists', key: this.#sign }
  }

  /** The step with which we are in the line no more. */
  get leaving(): KvStep {
    return { verb: 'delete', key: this.#entryOf(this.#sessionId) }
  }

  /** Goes to the end of the line. Who is in it already stays where it is. */
  async enter(ctx: Context): Promise<void> {
    const session = this.#sessionId
    await transact(ctx, this.#consul, [
      { verb: 'lock', key: this.#entryOf(session), value: '', session },
      { verb: 'set', key: this.#sign, value: session },
    ])
  }

  /** Our place, when we know that nobody is before us any more. */
  async first(ctx: Context): Promise<Place> {
    const { entry: sign } = await readKey(ctx, this.#consul, this.#sign)
    const isLast = sign?.value === this.#sessionId
    return { ahead: 0, before: undefined, leaving: [this.leaving, ...(isLast ? takeDown(sign) : [])] }
  }

  /** Looks where we stand, at the cost of reading the whole line, and clears away the entries of the dead. */
  async look(ctx: Context): Promise<Place> {
    const { sign, living, dead } = await this.#read(ctx)
    if (dead.length > 0) await this.#bury(ctx, dead)
    const ours = living.findIndex((entry) => entry.session === this.#sessionId)
    const ahead = ours === -1 ? living.length : ours
    const isAlone = living.every((entry) => entry.session === this.#sessionId)
    return {
      ahead,
      before: living[ahead - 1],
      leaving: [this.leaving, ...(isAlone ? takeDown(sign) : [])],
    }
  }

  /** Settles with `true` when who stood before us has gone or is dead, with `false` after `waitMs` milliseconds. */
  async untilGone(ctx: Context, before: Entry, waitMs: number): Promise<boolean> {
    const { entry } = await readKey(ctx, this.#consul, before.key, { index: before.modifyIndex, waitMs })
    return entry?.session !== before.session
  }

  /** Leaves the line; who hasn't entered it takes down the sign that others left, if nobody lives in it. */
  async leave(ctx: Context): Promise<void> {
    const { leaving } = await this.look(ctx)
    await transact(ctx, this.#consul, leaving)
  }

  async #read(ctx: Context): Promise<{ sign: Entry | undefined; living: Entry[]; dead: Entry[] }> {
    const entries = await readKeys(ctx, this.#consul, this.#sign)
    const places = entries.filter((entry) => entry.key.startsWith(`${this.#sign}/`))
    const living = places.filter(({ key, session }) => session !== undefined && key === this.#entryOf(session))
    return {
      sign: entries.find((entry) => entry.key === this.#sign),
      living: living.sort((one, other) => one.createIndex - other.createIndex),
      dead: places.filter((entry) => entry.session === undefined),
    }
  }

  async #bury(ctx: Context, dead: readonly Entry[]): Promise<void> {
    const steps = dead.slice(0, CLEARED_AT_ONCE).map((entry) => deletion(entry))
    await transact(ctx, this.#consul, steps)
  }

  #entryOf(session: string): string {
    return `${this.#sign}/${session}`
  }
}

/** Whoever came since we looked has set the sign anew, and then it stays. */
function takeDown(sign: Entry | undefined): KvStep[] {
  return sign === undefined ? [] : [deletion(sign)]
}

function deletion(entry: Entry): KvStep {
  return { verb: 'delete-cas', key: entry.key, index: entry.modifyIndex }
}
