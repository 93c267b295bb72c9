import type { Context } from '../../../base/context.ts'
import type { Note } from '../note.ts'
import { type NoteStore, noteEnd } from '../note-store.ts'
import type { GtidProgress } from './gtid.ts'
import type { MysqlOptions } from './mysql-options.ts'

/**
 * Keeps a server that has less than the last master from becoming master: its data are compared with the note that the
 * last master left.
 */
export class MysqlPromotionGuard {
  readonly #store: NoteStore
  readonly #node: string
  readonly #options: Pick<MysqlOptions, 'max_loss'>

  constructor(store: NoteStore, node: string, options: Pick<MysqlOptions, 'max_loss'>) {
    this.#store = store
    this.#node = node
    this.#options = options
  }

  /** Why the data lack something that the last master had. Rejects when nobody can say. */
  async shortfallOf(ctx: Context, own: GtidProgress): Promise<string | undefined> {
    const note = await this.#store.read(ctx)
    return note && own.shortfallOf(note)
  }

  /** Notes what this master has. Rejects when that can't be done. */
  note(ctx: Context, own: GtidProgress): Promise<void> {
    return this.#store.write(ctx, own.noteOf(this.#node, BigInt(this.#options.max_loss)))
  }

  /** Notes what a master had at its end; rejects as `noteEnd` does. */
  noteLast(ctx: Context, own: GtidProgress): Promise<void> {
    const isCovered = (note: Note) => own.shortfallOf(note) === undefined
    return noteEnd(ctx, this.#store, own.noteOf(this.#node, 0n), isCovered)
  }
}
