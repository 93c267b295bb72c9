import { quoted } from '../../../base/printable.ts'
import { type Note, shortfall } from '../note.ts'

const GTID = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/

/**
 * How far one domain has come: of each server that was master in it, the last transaction. Numbers grow from master to
 * master (`gtid_strict_mode`), so the greatest says how much there is, and two servers that have written the same
 * number have gone different ways. https://mariadb.com/kb/en/gtid/
 */
export class GtidProgress {
  readonly #domain: number
  readonly #last: ReadonlyMap<string, bigint>

  constructor(domain: number, last: ReadonlyMap<string, bigint>) {
    this.#domain = domain
    this.#last = last
  }

  /** Of what these variables say (`gtid_binlog_state`, `gtid_slave_pos`, …) about one domain. Throws when it is odd. */
  static of(domain: number, ...positions: string[]): GtidProgress {
    const last = new Map<string, bigint>()
    for (const text of positions.flatMap((position) => position.split(',')).map((text) => text.trim())) {
      if (text === '') continue
      const [, ofDomain, server = '', number = ''] = GTID.exec(text) ?? []
      if (ofDomain === undefined) throw new Error(`${quoted(text)} is no GTID`)
      if (Number(ofDomain) !== domain) continue
      const seen = last.get(server)
      if (seen === undefined || seen < BigInt(number)) last.set(server, BigInt(number))
    }
    return new GtidProgress(domain, last)
  }

  /** Nothing has ever been written. */
  get isEmpty(): boolean {
    return this.#last.size === 0
  }

  /** How much there is. */
  get position(): bigint {
    return this.#latest?.[1] ?? 0n
  }

  /** As a note says it: who wrote last, up to where, and all that this goes on from. */
  noteOf(node: string, slack: bigint): Note {
    const [history = '0', position = 0n] = this.#latest ?? []
    const token = [...this.#last].map(([server, number]) => `${this.#domain}-${server}-${number}`).join()
    return { node, history, position, slack, token }
  }

  /** Why this doesn't go on from what was noted; `undefined`: it does. */
  shortfallOf(note: Note): string | undefined {
    if (note.position === 0n) return undefined
    const own = this.#last.get(note.history)
    if (own !== undefined) return shortfall({ histories: [note.history], position: own }, note)
    // Nothing of the noted master's own has come here yet; but all that is here may be part of what it had.
    const isPart = !this.isEmpty && this.lackingIn(GtidProgress.of(this.#domain, note.token ?? '')) === undefined
    const histories = isPart ? [note.history] : [...this.#last.keys()]
    return shortfall({ histories, position: this.position }, note)
  }

  /**
   * The last transaction here, unless it is there, too; then all before it are. A clone doesn't know by whom those were
   * written that came before it, and can't have their writers' slaves either.
   */
  lackingIn(other: GtidProgress): string | undefined {
    if (!this.#latest) return undefined
    const [server, position] = this.#latest
    return (other.#last.get(server) ?? 0n) < position ? `${server}-${position}` : undefined
  }

  get #latest(): [string, bigint] | undefined {
    return [...this.#last].reduce<[string, bigint] | undefined>(
      (latest, entry) => (latest === undefined || entry[1] > latest[1] ? entry : latest),
      undefined,
    )
  }
}
