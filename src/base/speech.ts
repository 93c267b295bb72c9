import { Outlet } from './outlet.ts'

/** What waits for a reader that doesn't read; what comes beyond it is dropped. */
const KEPT_BYTES = 256 * 1024

/** Says how many lines are missing, as a line. */
export type Gap = (lines: number) => string

const NOTHING = Buffer.alloc(0)

const speaking = new Set<Promise<void>>()

/**
 * Our lines on a standard stream. Saying one never blocks and never throws: a reader that has gone or doesn't read, or
 * a full disk, costs lines; how many is said when others can be written again.
 */
export class Speech {
  readonly #outlet: Outlet
  #kept: Buffer[] = []
  #keptBytes = 0
  #missing = 0
  #gap: Gap = () => ''
  #isSpeaking = false

  constructor(fd: number) {
    this.#outlet = new Outlet(fd)
  }

  /** `gap` says what is missing in front of this line. */
  say(line: string, gap: Gap = () => ''): void {
    this.#gap = gap
    if (!this.#isSpeaking) this.#speak(Buffer.from(this.#gapBefore() + line))
    else if (this.#keptBytes + line.length > KEPT_BYTES) this.#missing += 1
    else this.#keep(Buffer.from(line))
  }

  #gapBefore(): string {
    return this.#missing > 0 ? this.#gap(this.#missing) : ''
  }

  #keep(bytes: Buffer): void {
    this.#kept.push(bytes)
    this.#keptBytes += bytes.length
  }

  #speak(bytes: Buffer): void {
    try {
      const rest = this.#outlet.writeNow(bytes)
      this.#missing = 0
      if (rest.length > 0) this.#speakLater(rest)
    } catch {
      this.#missing += 1
    }
  }

  #speakLater(bytes: Buffer): void {
    this.#isSpeaking = true
    const spoken = this.#speakOn(bytes).then(() => {
      this.#isSpeaking = false
      speaking.delete(spoken)
    })
    speaking.add(spoken)
  }

  async #speakOn(bytes: Buffer): Promise<void> {
    let lines = 1
    for (let rest = bytes; rest.length > 0; ) {
      const isLost = await this.#outlet.write(rest).then(
        () => false,
        () => true,
      )
      if (isLost) this.#missing += lines
      lines = this.#kept.length
      rest = isLost && lines === 0 ? NOTHING : this.#next()
    }
  }

  /** All that was kept meanwhile, and how much is missing behind it. */
  #next(): Buffer {
    const next = Buffer.concat([...this.#kept.splice(0), Buffer.from(this.#gapBefore())])
    this.#keptBytes = 0
    this.#missing = 0
    return next
  }
}

/** Settles once all that was said is written; never, if nobody reads it. */
export async function allSaid(): Promise<void> {
  while (speaking.size > 0) await Promise.all(speaking)
}
