import { setTimeout as delay } from 'node:timers/promises'
import type { ClusterObserver } from './cluster-observer.ts'
import { type Acknowledged, type Breach, breaches, longestPause, lostOf } from './judge.ts'
import type { Lab } from './lab.ts'
import { type MasterFault, Refusal } from './master-faults.ts'
import { WritingClient } from './writing-client.ts'

/** What one fault did. Times are in milliseconds from the fault on. */
export interface Round {
  readonly system: string
  readonly fault: string
  readonly from: string
  /** Who is master in the end; nobody, when the cluster never was whole again. */
  readonly to: string | undefined
  /** The longest time without an acknowledged write: nobody was master then, as a client sees it. */
  readonly withoutMasterMs: number
  /** Nobody took writes until the damage was repaired. */
  readonly waitedForRepair: boolean
  /** When another master acknowledged its first write. */
  readonly newMasterMs: number | undefined
  /** When clients were no more sent to the old one. */
  readonly tagGoneMs: number | undefined
  /** What the operator was told, when the hand-over was refused. */
  readonly refusal: string | undefined
  /** Writes that were acknowledged. */
  readonly acknowledged: number
  /** Those of them that the master doesn't have in the end, if there is one. */
  readonly lost: number | undefined
  readonly breaches: readonly Breach[]
  /** The longest time for which another node than the old master took no connections. */
  readonly othersAwayMs: number
}

const FIRST_WRITE_LIMIT_MS = 30_000
const TAKEOVER_LIMIT_MS = 150_000
const WATCH_MS = 10_000
const CALM_MS = 1000
const LOOK_MS = 20

let rounds = 0

/** Injects a fault into a steady cluster, waits for a master, repairs the damage, and tells what happened. */
export async function playRound(lab: Lab, fault: MasterFault, signal: AbortSignal): Promise<Round> {
  const { observer } = lab
  const old = await lab.steady(signal)
  const beganAt = Date.now()
  await using writer = new WritingClient(`round-${++rounds}`, observer, lab.nodes)
  if (!(await happens(() => writer.acknowledged.length > 0, FIRST_WRITE_LIMIT_MS, signal))) {
    throw new Error(`nobody takes writes after ${FIRST_WRITE_LIMIT_MS / 1000} s`)
  }
  await delay(CALM_MS)
  const at = Date.now()
  const refusal = await refusalOf(async () => fault.inject(lab, old))
  const injectedAt = Date.now()
  const isNew = ({ node, at: when }: Acknowledged) => node !== old.name && when > at
  const goesOn = () => (writer.acknowledged.at(-1)?.at ?? 0) > Date.now() - CALM_MS
  const stays = () => goesOn() && Date.now() - injectedAt > (fault.watchMs ?? WATCH_MS)
  const settled = await happens(() => writer.acknowledged.some(isNew) || stays(), TAKEOVER_LIMIT_MS, signal)
  await delay(CALM_MS)
  await fault.repair?.(lab, old)
  for (const node of lab.nodes) await node.mend()
  const master = await lab.steady(signal).catch((error) => {
    if (signal.aborted) throw error
  })
  if (!settled) await happens(goesOn, FIRST_WRITE_LIMIT_MS, signal)
  // Not what the writer goes on to write while this is read.
  const acknowledged = [...writer.acknowledged]
  const until = Date.now()
  const stored = await master?.app.stored(writer.set)
  return {
    system: lab.system.name,
    fault: fault.name,
    from: old.name,
    to: master?.name,
    withoutMasterMs: longestPause(acknowledged, at, until),
    waitedForRepair: !settled,
    newMasterMs: since(at, acknowledged.find(isNew)?.at),
    tagGoneMs: since(at, observer.sightings.find((one) => one.at > at && !one.masters.includes(old.name))?.at),
    refusal,
    acknowledged: acknowledged.length,
    lost: stored && lostOf(acknowledged, stored).length,
    breaches: breaches(
      observer.acceptances.filter((one) => one.at >= beganAt),
      observer.holderChanges,
    ),
    othersAwayMs: longestAbsence(observer, old.name, at),
  }
}

async function refusalOf(inject: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await inject()
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error.message
    throw error
  }
}

function since(at: number, when: number | undefined): number | undefined {
  return when === undefined ? undefined : when - at
}

function longestAbsence({ contacts }: ClusterObserver, old: string, from: number): number {
  const absences = contacts.flatMap(({ at, node, isThere }, n) => {
    if (isThere || at < from || node === old) return []
    const back = contacts.slice(n).find((later) => later.node === node && later.isThere)
    return [(back?.at ?? Date.now()) - at]
  })
  return Math.max(0, ...absences)
}

/** Whether it does within the time. */
async function happens(has: () => boolean, limitMs: number, signal: AbortSignal): Promise<boolean> {
  const end = performance.now() + limitMs
  while (!has()) {
    signal.throwIfAborted()
    if (performance.now() > end) return false
    await delay(LOOK_MS)
  }
  return true
}
