import { isSessionId } from '../consul/fields.ts'
import type { Entry } from '../consul/kv.ts'
import { READERS } from '../lock/holder-list.ts'
import { SLOTS_LIST } from '../lock/lock-keys.ts'
import { type LastRuns, parseLastRuns } from '../run/history/last-runs.ts'
import { parseRuns } from '../run/history/runs-record.ts'

/** What stands at the keys that belong together: those of one name, or of one key that was given as it is. */
export interface LockParts {
  /** What they all begin with. */
  readonly stem: string
  /** At the stem itself. */
  lock?: Entry
  /** Below it, where slots have their list, and `consul lock` its lock. */
  list?: Entry
  /** Those who have a slot, and of `consul lock -n` those who want one: a key for each. */
  readonly slotKeys: Entry[]
  readonly readerKeys: Entry[]
  /** The places in the line of the lock, and of the slots. */
  readonly line: Entry[]
  readonly listLine: Entry[]
  runs?: LastRuns | 'unreadable'
  pause?: Entry
}

const BESIDE = /^(.*?)=(queue|runs|pause|shared)(?:[/](.*))?$/s

/**
 * Sorts keys by the lock that they belong to, as they come. Of histories it keeps what is wanted, for they are long.
 */
export class PartsByLock {
  readonly #areAllRuns: boolean
  readonly #byStem = new Map<string, LockParts>()

  constructor(areAllRuns: boolean) {
    this.#areAllRuns = areAllRuns
  }

  get all(): Iterable<LockParts> {
    return this.#byStem.values()
  }

  add(entry: Entry): void {
    const [, lockKey, what, below] = BESIDE.exec(entry.key) ?? []
    if (lockKey !== undefined && what !== undefined) this.#addBeside(entry, lockKey, what, below)
    else this.#addLock(entry)
  }

  #addLock(entry: Entry): void {
    const { key, session } = entry
    const slash = key.lastIndexOf('/')
    const last = key.slice(slash + 1)
    if (key.endsWith(SLOTS_LIST)) this.#of(key.slice(0, -SLOTS_LIST.length)).list = entry
    else if (slash > 0 && isSessionId(last) && last === session) this.#of(key.slice(0, slash)).slotKeys.push(entry)
    else this.#of(key).lock = entry
  }

  #addBeside(entry: Entry, lockKey: string, what: string, below: string | undefined): void {
    const isOfList = lockKey.endsWith(SLOTS_LIST)
    const parts = this.#of(isOfList ? lockKey.slice(0, -SLOTS_LIST.length) : lockKey)
    if (what === 'runs' && below === undefined) parts.runs = this.#recordIn(entry.value)
    else if (what === 'pause' && below === undefined) parts.pause = entry
    // A place in a line is one as long as the session of that name holds it.
    else if (entry.session === undefined || entry.session !== below) return
    else if (what === 'queue') (isOfList ? parts.listLine : parts.line).push(entry)
    else if (entry.key.endsWith(`${READERS}${below}`)) parts.readerKeys.push(entry)
  }

  #recordIn(value: string): LastRuns | 'unreadable' {
    return this.#areAllRuns ? parseRuns(value) : parseLastRuns(value)
  }

  #of(stem: string): LockParts {
    const known = this.#byStem.get(stem)
    if (known) return known
    const made: LockParts = { stem, slotKeys: [], readerKeys: [], line: [], listLine: [] }
    this.#byStem.set(stem, made)
    return made
  }
}
