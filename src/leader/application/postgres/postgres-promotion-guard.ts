import type { Context } from '../../../base/context.ts'
import { messageOf } from '../../../base/failure.ts'
import { type Note, noteText, shortfall } from '../note.ts'
import type { NoteStore } from '../note-store.ts'
import { reachedOn, type WalPath } from './timeline-history.ts'
import { orderedPosition, type WalPoint } from './wal-point.ts'

/** How a timeline of a cluster is called in a note: `7342156789012345678/2`. */
function historyName(system: string, timeline: number): string {
  return `${system}/${timeline}`
}

/** Whose data, and how much of them. */
export interface Holding extends WalPath {
  readonly system: string
}

/** Why these data don't go on from what was noted; `undefined`: they do. */
export function lacks(own: Holding, note: Note): string | undefined {
  const { system, timeline, history } = own
  const timelines = [timeline, ...history.map((ancestor) => ancestor.timeline).reverse()]
  const [noted = ''] = /\d+$/.exec(note.history) ?? []
  // What came after a timeline was left is no part of it.
  const position = reachedOn(own, Number(noted)) ?? 0n
  return shortfall({ histories: timelines.map((one) => historyName(system, one)), position }, note)
}

/** Keeps a server that has less than the last master from becoming master: it is held to the note of what that had. */
export class PostgresPromotionGuard {
  readonly #store: NoteStore
  readonly #node: string

  constructor(store: NoteStore, node: string) {
    this.#store = store
    this.#node = node
  }

  /** Why the data lack something that the last master had. Rejects when nobody can say. */
  async shortfallOf(ctx: Context, own: Holding): Promise<string | undefined> {
    const note = await this.#store.read(ctx)
    return note && lacks(own, note)
  }

  /** Notes what this master has, if that is news. Rejects when that can't be done. */
  async note(ctx: Context, system: string, { timeline, lsn }: WalPoint, slack: bigint): Promise<void> {
    const note = { node: this.#node, history: historyName(system, timeline), position: lsn, slack }
    const before = await this.#store.read(ctx)
    // A reading costs Consul less than a writing, and a master may be idle.
    const isNews = before === undefined || noteText({ ...before, token: undefined }) !== noteText(note)
    if (isNews) await this.#store.write(ctx, note)
  }

  /**
   * Notes what a master had at its end. Nothing is noted when another master has noted something since, and
   * this never rejects: who demotes has more urgent things to do.
   */
  async noteLast(ctx: Context, system: string, end: WalPoint): Promise<void> {
    try {
      const note = await this.#store.read(ctx)
      const [, noted, timeline] = /^(\d+)\/(\d+)$/.exec(note?.history ?? '') ?? []
      if (note?.node !== this.#node || noted !== system) return
      const before = orderedPosition({ timeline: Number(timeline), lsn: note.position })
      if (before <= orderedPosition(end)) await this.note(ctx, system, end, 0n)
    } catch (thrown) {
      ctx.log.warn(`what this master had can't be noted: ${messageOf(thrown)}`)
    }
  }
}
