import { withTimeout } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import { readKey } from '../../consul/kv.ts'
import { storedAs } from '../../consul/stored-value.ts'
import { transact } from '../../consul/txn.ts'
import { NOTE, type Note, noteText } from './note.ts'

/** So long does a demotion wait for Consul, once the application takes no writes any more. */
const END_MS = 1500

/** Where the note of the last master stands. Everything here rejects with a `Failure` when Consul doesn't answer. */
export interface NoteStore {
  /**
   * `undefined`: nobody has noted anything yet. Rejects with a `malformed` failure when something else stands there.
   */
  read(ctx: Context): Promise<Note | undefined>
  write(ctx: Context, note: Note): Promise<void>
}

/**
 * Notes what the last master had at its end, if it was that: what has become open in another way, or has come back with
 * less, would pass for whole by its own note. `isOf`: these data are those of that note. Rejects as the store does, and
 * with a `timed-out` failure when that takes too long.
 */
export async function noteEnd(ctx: Context, store: NoteStore, end: Note, isOf: (note: Note) => boolean): Promise<void> {
  const late = () => new Failure('timed-out', 'Consul takes no note')
  await withTimeout(ctx, END_MS, late, async (ctx) => {
    const before = await store.read(ctx)
    if (before?.node !== end.node || !isOf(before)) return
    await store.write(ctx, end)
  })
}

/** A note at a key of Consul's. */
export class ConsulNoteStore implements NoteStore {
  readonly #consul: Consul
  readonly #key: string

  constructor(consul: Consul, key: string) {
    this.#consul = consul
    this.#key = key
  }

  async read(ctx: Context): Promise<Note | undefined> {
    const { entry } = await readKey(ctx, this.#consul, this.#key, { consistent: true })
    if (!entry) return undefined
    const note = storedAs(NOTE, entry.value)
    if (note) return note
    throw new Failure('malformed', `the key ${this.#key} holds no note of a master's`, {
      hint: `look at it, and when nobody needs it: consul kv delete ${this.#key}`,
    })
  }

  async write(ctx: Context, note: Note): Promise<void> {
    await transact(ctx, this.#consul, [{ verb: 'set', key: this.#key, value: noteText(note) }])
  }
}
