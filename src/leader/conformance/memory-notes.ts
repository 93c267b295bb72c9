import type { Note } from '../application/note.ts'
import type { NoteStore } from '../application/note-store.ts'

/** Notes that nobody else sees. */
export class MemoryNotes implements NoteStore {
  #note: Note | undefined

  async read(): Promise<Note | undefined> {
    return this.#note
  }

  async write(_ctx: unknown, note: Note): Promise<void> {
    this.#note = note
  }

  /** As if nobody had led before, or somebody else. */
  replace(note: Note | undefined): void {
    this.#note = note
  }
}
