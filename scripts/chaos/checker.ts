import type { Entry } from './history-file.ts'
import { type Life, Lives } from './lives.ts'

/** A promise that was broken. */
export interface Violation {
  readonly kind: 'overlap' | 'lost update' | 'orphan' | 'fence' | 'stuck' | 'crash'
  readonly at: number
  /** For how long, when that means something. */
  readonly ms: number
  readonly sentence: string
  /** The fault that was injected last, by its number; 0 when there was none yet. */
  readonly after: number
  /** The design excludes it by name. */
  readonly excused: boolean
}

/** What became of one injected fault. */
export interface Injection {
  readonly number: number
  readonly fault: string
  readonly outcome: 'survived' | 'handed-over' | 'stuck' | 'unfinished'
  /** Whether the command that it hit ignores TERM. */
  readonly stubborn: boolean
  /** From the fault to the last sign of the command that it hit. */
  readonly deadAfterMs: number | undefined
  /** From the fault to the next command's beginning. */
  readonly handOverMs: number | undefined
}

export interface HistoryVerdict {
  readonly lives: number
  readonly updates: number
  readonly violations: readonly Violation[]
  readonly injections: readonly Injection[]
  /** The times between a command's own end and the next one's beginning while nothing was wrong. */
  readonly cleanHandOversMs: readonly number[]
}

/** Deleting the key frees the lock at once, without a lock-delay: nothing that a lock runner does can prevent that. */
const EXCUSED = { fault: 'key-deleted', kinds: ['overlap', 'lost update'] }

/** How a runner must not end: by a bug, or for want of a Consul that is there, or comes back. */
const BAD_ENDS: Partial<Record<number, string>> = {
  3: 'gave Consul up',
  4: 'took Consul for something else',
  70: 'crashed',
}
/** The first answer from an address, when it is garbled, can't be told from another server's. */
const EXCUSED_END = { code: 4, faults: ['garbage-8s', 'truncated-8s'] }

/** Judges a history. */
export function check(history: readonly Entry[]): HistoryVerdict {
  const known = new Lives()
  for (const entry of history) known.add(entry)
  const lives = known.all
  const injections = injectionsIn(history, lives)
  const found = [
    ...overlaps(lives),
    ...orphans(lives),
    ...lostUpdates(history),
    ...fences(lives),
    ...crashes(history),
    ...stuck(history),
  ]
  return {
    lives: lives.length,
    updates: history.filter(({ event }) => event === 'add').length,
    violations: found.map((violation) => blame(history, violation)).sort((a, b) => a.at - b.at),
    injections,
    cleanHandOversMs: cleanHandOvers(history, lives),
  }
}

type Finding = Omit<Violation, 'after' | 'excused'> & { readonly code?: number }

function overlaps(lives: readonly Life[]): Finding[] {
  const found: Finding[] = []
  const alive: Life[] = []
  for (const life of lives) {
    for (const other of alive.filter(({ lastAt }) => lastAt >= life.beganAt)) {
      const ms = Math.min(other.lastAt, life.lastAt) - life.beganAt
      const sentence = `${other.id} and ${life.id} ran at once for ${ms.toFixed(1)} ms`
      found.push({ kind: 'overlap', at: life.beganAt, ms, sentence })
    }
    alive.push(life)
  }
  return found
}

/** Who lives on without a runner once somebody else has begun. */
function orphans(lives: readonly Life[]): Finding[] {
  return lives.flatMap(({ id, beganAt, orphan }) => {
    const next = orphan && lives.find((other) => other.beganAt > beganAt && other.beganAt <= orphan.to)
    if (!next) return []
    const ms = orphan.to - orphan.from
    const sentence = `${id} lived without its runner for ${ms.toFixed(0)} ms, and ${next.id} began meanwhile`
    return [{ kind: 'orphan', at: next.beganAt, ms, sentence } as const]
  })
}

/** Each command reads the counter and writes one more: a value that isn't the largest so far undoes another's work. */
function lostUpdates(history: readonly Entry[]): Finding[] {
  const found: Finding[] = []
  let largest = 0
  for (const entry of history) {
    if (entry.event !== 'add') continue
    if (entry.value <= largest) {
      const sentence = `${entry.life} counted ${entry.value} when the counter had been at ${largest}`
      found.push({ kind: 'lost update', at: entry.at, ms: 0, sentence })
    }
    largest = Math.max(largest, entry.value)
  }
  return found
}

function fences(lives: readonly Life[]): Finding[] {
  const found: Finding[] = []
  let last: Life | undefined
  for (const life of lives) {
    if (life.fence === undefined) continue
    if (last?.fence !== undefined && life.fence <= last.fence) {
      const sentence = `${life.id} has the fence ${life.fence}, after ${last.id} with ${last.fence}`
      found.push({ kind: 'fence', at: life.beganAt, ms: 0, sentence })
    }
    last = life
  }
  return found
}

function crashes(history: readonly Entry[]): Finding[] {
  return history.flatMap((entry) => {
    const ending = entry.event === 'exit' && BAD_ENDS[entry.code]
    if (!ending) return []
    const sentence = `the runner of ${entry.host} ${ending} (exit code ${entry.code})`
    return [{ kind: 'crash', at: entry.at, ms: 0, sentence, code: entry.code } as const]
  })
}

function stuck(history: readonly Entry[]): Finding[] {
  return history.flatMap((entry) => {
    if (entry.event !== 'settled' || entry.outcome !== 'stuck') return []
    return [{ kind: 'stuck', at: entry.at, ms: 0, sentence: 'nobody got the lock any more' } as const]
  })
}

function blame(history: readonly Entry[], finding: Finding): Violation {
  const faults = history.filter((entry) => entry.event === 'fault')
  const last = faults.findLast(({ at }) => at <= finding.at)
  const isExpected = last?.fault === EXCUSED.fault && EXCUSED.kinds.includes(finding.kind)
  const isGarbled = finding.code === EXCUSED_END.code && EXCUSED_END.faults.includes(last?.fault ?? '')
  return { ...finding, after: last?.number ?? 0, excused: isExpected || isGarbled }
}

function injectionsIn(history: readonly Entry[], lives: readonly Life[]): Injection[] {
  return history.flatMap((entry) => {
    if (entry.event !== 'fault') return []
    const settled = history.find((other) => other.event === 'settled' && other.number === entry.number)
    const outcome = settled?.event === 'settled' ? settled.outcome : 'unfinished'
    const hit = lives.find(({ id }) => id === entry.life)
    const next = lives.find(({ beganAt }) => beganAt > entry.at)
    const isOver = outcome === 'handed-over'
    return [
      {
        number: entry.number,
        fault: entry.fault,
        outcome,
        stubborn: hit?.stubborn ?? false,
        deadAfterMs: isOver && hit ? Math.max(0, hit.lastAt - entry.at) : undefined,
        handOverMs: isOver && next ? next.beganAt - entry.at : undefined,
      },
    ]
  })
}

function cleanHandOvers(history: readonly Entry[], lives: readonly Life[]): number[] {
  const marks = history.filter(({ event }) => event === 'fault' || event === 'settled')
  return lives.flatMap((life, index) => {
    const next = lives[index + 1]
    const isCalm = marks.findLast(({ at }) => at < life.lastAt)?.event !== 'fault'
    const isOver = next && !marks.some(({ at }) => at >= life.lastAt && at <= next.beganAt)
    return life.ended && isCalm && isOver ? [next.beganAt - life.lastAt] : []
  })
}
