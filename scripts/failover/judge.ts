/** A write that a node accepted, at its own time (ms since 1970). */
export interface Acceptance {
  readonly at: number
  readonly node: string
}

/** From `at` on, this node was seen to hold the lock; nobody, when it is undefined. */
export interface Tenure {
  readonly at: number
  readonly node: string | undefined
}

/** A write that was accepted by a node that was not the master. */
export interface Breach {
  readonly at: number
  readonly sentence: string
}

/** A holder is seen a little later than it holds, and may have accepted a write by then. */
const SEEN_LATE_MS = 2000

/**
 * What two masters did at once. A write is a breach when somebody else was seen to hold the lock by then, or when the
 * nodes took turns in accepting writes more often than they did in holding the lock.
 */
export function breaches(acceptances: readonly Acceptance[], tenures: readonly Tenure[]): Breach[] {
  const held = inOrder(tenures).filter((tenure): tenure is Acceptance => tenure.node !== undefined)
  const accepted = inOrder(acceptances)
  return [...strangers(accepted, held), ...extraTurns(accepted, held)]
}

/** Writes that were accepted while another node held the lock. */
function strangers(accepted: readonly Acceptance[], held: readonly Acceptance[]): Breach[] {
  let next = 0
  return accepted.flatMap(({ at, node }) => {
    while ((held[next]?.at ?? Number.POSITIVE_INFINITY) <= at) next++
    const [holder, successor] = [held[next - 1], held[next]]
    const isEarly = successor?.node === node && successor.at - at < SEEN_LATE_MS
    if (holder?.node === node || isEarly) return []
    const since = holder
      ? `${holder.node} has been master for ${Math.round(at - holder.at)} ms`
      : 'nobody was master yet'
    return [{ at, sentence: `${node} accepted a write when ${since}` }]
  })
}

/** The first write of each turn that no tenure accounts for. */
function extraTurns(accepted: readonly Acceptance[], held: readonly Acceptance[]): Breach[] {
  const tenures = turns(held)
  let next = 0
  return turns(accepted).flatMap(({ at, node }) => {
    const found = tenures.findIndex((tenure, n) => n >= next && tenure.node === node)
    if (found < 0) return [{ at, sentence: `${node} accepted writes again without having been elected again` }]
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
