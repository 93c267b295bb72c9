import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from './faults.ts'
import { type Breach, breaches } from './judge.ts'
import type { Lab } from './lab.ts'
import type { Observer } from './observer.ts'
import { type Acknowledged, Writer } from './writer.ts'

/** What one fault did. Times are in milliseconds from the fault on. */
export interface Round {
  readonly fault: string
  readonly from: string
  readonly to: string
  /** The longest time between two acknowledged writes: nobody was master then, as a client sees it. */
  readonly withoutMasterMs: number
  /** When another master acknowledged its first write. */
  readonly newMasterMs: number
  /** When the old one's tag `master` was gone. */
  readonly tagGoneMs: number
  /** Writes that were acknowledged. */
  readonly acknowledged: number
  /** Those of them that the new master doesn't have. */
  readonly lost: number
  readonly breaches: readonly Breach[]
}

const TAKEOVER_LIMIT_MS = 150_000
const CALM_MS = 1000
const LOOK_MS = 20

let rounds = 0

/** Injects a fault into a steady cluster, waits for another master, repairs the damage, and tells what happened. */
export async function playRound(lab: Lab, fault: Fault, signal: AbortSignal): Promise<Round> {
  const beganAt = Date.now()
  const old = await lab.steady(signal)
  await using writer = new Writer(`round-${++rounds}`, lab.observer, lab.nodes)
  const until = (what: string, happened: () => boolean, limitMs: number) => wait(what, happened, limitMs, signal)
  await until('nobody takes writes', () => writer.acknowledged.length > 0, CALM_MS * 30)
  await delay(CALM_MS)
  const at = Date.now()
  await fault.inject(lab, old)
  const isNew = ({ node, at: when }: Acknowledged) => node !== old.name && when > at
  await until(`${fault.name}: no other master`, () => writer.acknowledged.some(isNew), TAKEOVER_LIMIT_MS)
  await delay(CALM_MS)
  const to = writer.node as string
  await fault.repair?.(lab, old)
  await old.mend()
  await lab.steady(signal)
  const { acknowledged } = writer
  const stored = await lab.node(to).app.stored(writer.set)
  return {
    fault: fault.name,
    from: old.name,
    to,
    withoutMasterMs: longestPause(acknowledged, at),
    newMasterMs: (acknowledged.find(isNew)?.at ?? 0) - at,
    tagGoneMs: tagGone(lab.observer, old.name, at),
    acknowledged: acknowledged.length,
    lost: acknowledged.filter(({ number }) => !stored.has(number)).length,
    breaches: breaches(lab.observer.acceptances, lab.observer.tenures).filter(({ at }) => at >= beganAt),
  }
}

function longestPause(acknowledged: readonly Acknowledged[], since: number): number {
  const times = acknowledged.map(({ at }) => at).filter((at) => at > since - CALM_MS)
  return Math.max(...times.slice(1).map((at, n) => at - (times[n] ?? at)))
}

function tagGone({ sightings }: Observer, node: string, since: number): number {
  return (sightings.find(({ at, masters }) => at > since && !masters.includes(node))?.at ?? since) - since
}

async function wait(what: string, happened: () => boolean, limitMs: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + limitMs
  while (!happened()) {
    signal.throwIfAborted()
    if (performance.now() > end) throw new Error(`${what} after ${limitMs / 1000} s`)
    await delay(LOOK_MS)
  }
}
