import type { Context } from '../base/context.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { isSessionId } from '../consul/fields.ts'
import { type Entry, type KeyReading, readKey, readKeys } from '../consul/kv.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import { waiterRecord, waitsForMore } from './holder-record.ts'
import { QueueTicket } from './queue-ticket.ts'
import type { CountedPosition, Entrance, Line, Waiter } from './waiting-line.ts'

/** No lock's name has an equals sign in it. */
const QUEUE = '=queue'

/** Where a session stands in the line of a lock. */
export function placeKey(lockKey: string, session: string): string {
  return `${lockKey}${QUEUE}/${session}`
}

/** Where the waiter behind a session leaves its note for it: see `HandOffNote`. It is no place in line. */
export function noteKey(lockKey: string, session: string): string {
  return `${placeKey(lockKey, session)}/next`
}

/** Consul takes 64 steps in a transaction; a look that finds more dead entries leaves the rest to the next. */
const CLEARED_AT_ONCE = 50

/**
 * The queue of those who wait for one lock, so that a release wakes one of them and not all. It orders who comes next;
 * that only one holds doesn't depend on it. Everybody in it has an entry `<lock key>=queue/<session>`, held by that
 * session; the raft index of its creation is its place, its value says who that is. An entry without its session is
 * dead. The key `<lock key>=queue` is there while anybody may queue, and names the last: a newcomer that finds it
 * goes to the end of the queue, and learns from it whom to stand behind. Its LockIndex counts those that came. Below an
 * entry the waiter behind it leaves a note (`HandOffNote`). Other keys there are nobody's.
 */
export class Queue implements Line {
  readonly #consul: Consul
  readonly #tailKey: string
  readonly #sessionId: string
  readonly #isForMore: boolean

  /** `isForMore` says that who stands here waits for other locks, too. */
  constructor(consul: Consul, lockKey: string, sessionId: string, isForMore = false) {
    this.#consul = consul
    this.#tailKey = `${lockKey}${QUEUE}`
    this.#sessionId = sessionId
    this.#isForMore = isForMore
  }

  get ifNobodyQueues(): readonly [TxnOp] {
    return [{ verb: 'check-not-exists', key: this.#tailKey }]
  }

  get leaving(): readonly [TxnOp] {
    return [{ verb: 'delete', key: this.#entryOf(this.#sessionId) }]
  }

  /** The operations that take us to the end of the queue, if we aren't in it. */
  entering({ record, sinceMs }: Waiter): readonly TxnOp[] {
    const session = this.#sessionId
    const key = this.#entryOf(session)
    const tail = { key: this.#tailKey, value: session, session }
    return [
      { verb: 'check-not-exists', key },
      { verb: 'lock', key, value: waiterRecord(record, sinceMs, this.#isForMore), session },
      // A plain write would take the LockIndex back to 0.
      { verb: 'lock', ...tail },
      { verb: 'unlock', ...tail },
    ]
  }

  /**
   * Whom to stand behind is read in the very transaction that names us as the last, so nobody else is told the same.
   */
  async enter(ctx: Context, waiter: Waiter, isFormed: boolean): Promise<Entrance | undefined> {
    const entering = this.entering(waiter)
    for (let isBehind = isFormed; ; isBehind = !isBehind) {
      const [isEmpty] = this.ifNobodyQueues
      const seeing: TxnOp = isBehind ? { verb: 'get', key: this.#tailKey } : isEmpty
      const outcome = await transact(ctx, this.#consul, [seeing, ...entering])
      if (outcome.done) return this.#entrance(ctx, outcome.entries, isBehind)
      if (!outcome.failed.includes(seeing)) return undefined
    }
  }

  async #entrance(ctx: Context, entries: readonly Entry[], isBehind: boolean): Promise<Entrance | undefined> {
    const own = entries.find(({ key }) => key === this.#entryOf(this.#sessionId))
    const tail = entries.findLast(({ key }) => key === this.#tailKey)
    if (!own || !tail) throw this.#consul.protocolError('a place in line without its entries')
    const ticket = new QueueTicket(tail.lockIndex, tail.createIndex)
    const told = { ticket, removeTail: removeTail(tail) }
    const first = { ahead: 0, before: undefined, isFirm: false, leaving: [...this.leaving, ...told.removeTail] }
    if (!isBehind) return { ...told, position: first }
    const last = entries.find(({ key }) => key === this.#tailKey)?.value ?? ''
    if (!isSessionId(last)) return { ...told, position: undefined }
    const { entry: before } = await readKey(ctx, this.#consul, this.#entryOf(last))
    const isThere = before?.session === last && before.createIndex < own.createIndex
    return { ...told, position: isThere ? { ...first, ahead: undefined, before, leaving: this.leaving } : undefined }
  }

  /** Our place, when we know that nobody is before us any more. */
  async atHead(ctx: Context): Promise<CountedPosition> {
    const { entry: tail } = await readKey(ctx, this.#consul, this.#tailKey)
    const isLast = tail?.value === this.#sessionId
    return {
      ahead: 0,
      before: undefined,
      isFirm: false,
      leaving: [...this.leaving, ...(isLast ? removeTail(tail) : [])],
    }
  }

  /** Reads the whole queue for our position, and deletes the entries of the dead. */
  async look(ctx: Context): Promise<CountedPosition> {
    const { tail, living, dead } = await this.#read(ctx)
    if (dead.length > 0) await this.#removeDead(ctx, dead)
    const ours = living.findIndex((entry) => entry.session === this.#sessionId)
    const ahead = ours === -1 ? living.length : ours
    const isAlone = living.every((entry) => entry.session === this.#sessionId)
    return {
      ahead,
      before: living[ahead - 1],
      isFirm: living.slice(0, ahead).some(({ value }) => waitsForMore(value)),
      leaving: [...this.leaving, ...(isAlone ? removeTail(tail) : [])],
    }
  }

  /** Reads the entry before ours when it changes: without its session, that waiter has gone or is dead. */
  watch(before: Entry): BlockingQuery<KeyReading> {
    return new BlockingQuery((ctx, from) => readKey(ctx, this.#consul, before.key, from), before.modifyIndex)
  }

  /** Leaves the queue; who hasn't entered it deletes the tail key that others left, if nobody lives in it. */
  async leave(ctx: Context): Promise<void> {
    const { leaving } = await this.look(ctx)
    await transact(ctx, this.#consul, leaving)
  }

  async #read(ctx: Context): Promise<{ tail: Entry | undefined; living: Entry[]; dead: Entry[] }> {
    // A leader that has just started answers by an empty store otherwise, and then all believe that they are first.
    const entries = await readKeys(ctx, this.#consul, this.#tailKey, { consistent: true })
    const places = entries.filter((entry) => entry.key.startsWith(`${this.#tailKey}/`))
    return {
      tail: entries.find((entry) => entry.key === this.#tailKey),
      living: livingIn(places, this.#tailKey),
      dead: places.filter((entry) => entry.session === undefined),
    }
  }

  async #removeDead(ctx: Context, dead: readonly Entry[]): Promise<void> {
    const ops = dead.slice(0, CLEARED_AT_ONCE).map((entry) => deletion(entry))
    await transact(ctx, this.#consul, ops)
  }

  #entryOf(session: string): string {
    return `${this.#tailKey}/${session}`
  }
}

/** The entries of those who stand in a lock's queue, in their order. */
export async function waitingInLine(ctx: Context, consul: Consul, lockKey: string): Promise<Entry[]> {
  const tailKey = `${lockKey}${QUEUE}`
  return livingIn(await readKeys(ctx, consul, `${tailKey}/`, { rights: 'read' }), tailKey)
}

/** Of what stands in a queue the entries of living sessions, in their order. */
function livingIn(entries: readonly Entry[], tailKey: string): Entry[] {
  return entries
    .filter(({ key, session }) => session !== undefined && key === `${tailKey}/${session}`)
    .sort((one, other) => one.createIndex - other.createIndex)
}

/** Whoever came since we looked has written the tail key anew, and then it stays. */
function removeTail(tail: Entry | undefined): TxnOp[] {
  return tail === undefined ? [] : [deletion(tail)]
}

function deletion(entry: Entry): TxnOp {
  return { verb: 'delete-cas', key: entry.key, index: entry.modifyIndex }
}
