/** What the writer of a key gives. */
export interface Draft {
  readonly key: string
  /** Base64, as it goes over the wire; empty for no value. */
  readonly value: string
  readonly flags: bigint
}

/** A key as it is stored. It never changes: a write makes another one. */
export class KvEntry {
  readonly key: string
  readonly value: string
  readonly flags: bigint
  /** The session that holds it; empty when none does. */
  readonly session: string
  readonly createIndex: number
  readonly modifyIndex: number
  readonly lockIndex: number
  // Thousands of waiters read the same entry.
  #json: string | undefined

  constructor(draft: Draft, session: string, createIndex: number, modifyIndex: number, lockIndex: number) {
    this.key = draft.key
    this.value = draft.value
    this.flags = draft.flags
    this.session = session
    this.createIndex = createIndex
    this.modifyIndex = modifyIndex
    this.lockIndex = lockIndex
  }

  /** Whether a write would leave it as it is; Consul drops such a write (structs.DirEntry.Equal). */
  isLike(other: KvEntry): boolean {
    return (
      this.value === other.value &&
      this.flags === other.flags &&
      this.session === other.session &&
      this.lockIndex === other.lockIndex
    )
  }

  json(): string {
    this.#json ??= this.#render(this.value === '' ? 'null' : `"${this.value}"`)
    return this.#json
  }

  /** As transactions show what they wrote. */
  jsonWithoutValue(): string {
    return this.#render('null')
  }

  #render(value: string): string {
    const session = this.session === '' ? '' : `"Session":"${this.session}",`
    return `{"LockIndex":${this.lockIndex},"Key":${JSON.stringify(this.key)},"Flags":${this.flags},"Value":${value},${session}"CreateIndex":${this.createIndex},"ModifyIndex":${this.modifyIndex}}`
  }
}
