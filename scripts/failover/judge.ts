/** A write that a node accepted, at its own time (ms since 1970). */
export interface Acceptance {
  readonly at: number
  readonly node: string
}

/** From `at` on, this node was seen to hold the lock; nobody, when it is undefined. */
export interface HolderChange {
  readonly at: number
  readonly node: string | undefined
}

/** Writes that were accepted by a node that was not the master. */
export interface Breach {
  readonly node: string
  /** When the first and the last of them were accepted. */
  readonly at: number
  readonly until: number
  readonly writes: number
  /** What was wrong with the first of them. */
  readonly sentence: string
}

/** One write that was accepted by a node that was not the master. */
interface Wrong extends Acceptance {
  readonly sentence: string
}

/** A write that a client got an answer to. */
export interface Acknowledged {
  readonly number: number
  /** When the answer came (ms since 1970). */
  readonly at: number
  readonly node: string
}

/** The acknowledged writes that are not among those that are stored. */
export function lostOf(acknowledged: readonly Acknowledged[], stored: ReadonlySet<number>): Acknowledged[] {
  return acknowledged.filter(({ number }) => !stored.has(number))
}

/**
 * The longest time without an acknowledged write, from the last one before `since` on, and until `until`; in
 * milliseconds.
 */
export function longestPause(acknowledged: readonly Acknowledged[], since: number, until: number): number {
  const times = acknowledged.map(({ at }) => at)
  const after = times.filter((at) => at > since && at < until)
  const begin = times.findLast((at) => at <= since) ?? since
  const marks = [begin, ...after, until]
  return Math.max(...marks.slice(1).map((at, n) => at - (marks[n] ?? at)))
}

/** A holder is seen a little later than it holds, and may have accepted a write by then. */
const SEEN_LATE_MS = 2000

/**
 * What two masters did at once. A write is a breach when somebody else was seen to hold the lock by then, or when the
 * nodes took turns in accepting writes more often than they did in holding the lock. Those of one node are one breach.
 */
export function breaches(acceptances: readonly Acceptance[], holderChanges: readonly HolderChange[]): Breach[] {
  const held = inOrder(holderChanges).filter((change): change is Acceptance => change.node !== undefined)
  const accepted = inOrder(acceptances)
  const wrong = inOrder([...strangers(accepted, held), ...extraTurns(accepted, held)])
  return [...Map.groupBy(wrong, ({ node }) => node).values()].map(breachOf)
}

function breachOf(wrong: readonly Wrong[]): Breach {
  const [first] = wrong as [Wrong]
  return { ...first, until: wrong.at(-1)?.at ?? first.at, writes: new Set(wrong.map(({ at }) => at)).size }
}

/** Writes that were accepted while another node held the lock. */
function strangers(accepted: readonly Acceptance[], held: readonly Acceptance[]): Wrong[] {
  let next = 0
  return accepted.flatMap(({ at, node }) => {
    while ((held[next]?.at ?? Number.POSITIVE_INFINITY) <= at) next++
    const [holder, successor] = [held[next - 1], held[next]]
    const isEarly = successor?.node === node && successor.at - at < SEEN_LATE_MS
    if (holder?.node === node || isEarly) return []
    const since = holder
      ? `${holder.node} has been master for ${Math.round(at - holder.at)} ms`
      : 'nobody was master yet'
    return [{ at, node, sentence: `${node} accepted a write when ${since}` }]
  })
}

/** The first write of each turn that no turn of holding the lock accounts for. */
function extraTurns(accepted: readonly Acceptance[], held: readonly Acceptance[]): Wrong[] {
  const holdings = turns(held)
  let next = 0
  return turns(accepted).flatMap(({ at, node }) => {
    const found = holdings.findIndex((turn, n) => n >= next && turn.node === node)
    if (found < 0) return [{ at, node, sentence: `${node} accepted writes again without having been elected again` }]
    next = found
    return []
  })
}

function turns(entries: readonly Acceptance[]): Acceptance[] {
  return entries.filter(({ node }, n) => node !== entries[n - 1]?.node)
}

function inOrder<T extends { readonly at: number }>(entries: readonly T[]): T[] {
  return [...entries].sort((a, b) => a.at - b.at)
}
