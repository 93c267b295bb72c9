import { isDeepStrictEqual } from 'node:util'
import type { Peer } from '../../../src/leader/machine/agent-peer.ts'
import type { PublishedState } from '../../../src/leader/service/service-definition.ts'
import type { Dice } from '../../virtual/dice.ts'
import type { VirtualClock } from '../../virtual/virtual-clock.ts'
import type { SimulatedProcess } from '../process.ts'

/** Consul finds out within this that an agent is gone, or hangs. */
const SILENCE_MS = 12_000

interface Entry {
  readonly state: PublishedState
  readonly process: SimulatedProcess
  isSilent: boolean
}

/** What Consul's catalog says of an application's agents, a little late. */
export class SimulatedCatalog {
  readonly #time: VirtualClock
  readonly #dice: Dice
  readonly #entries = new Map<string, Entry>()
  readonly #watchers = new Map<string, (peers: readonly Peer[]) => void>()

  constructor(time: VirtualClock, dice: Dice) {
    this.#time = time
    this.#dice = dice
  }

  publish(node: string, process: SimulatedProcess, state: PublishedState): void {
    const before = this.#entries.get(node)
    if (before?.process === process && isDeepStrictEqual(before.state, state)) return
    const entry: Entry = { state, process, isSilent: false }
    this.#entries.set(node, entry)
    if (before?.process !== process)
      process.onEnd(() => this.#time.after(SILENCE_MS, () => this.#forget(node, process)))
    this.#tell()
  }

  #forget(node: string, process: SimulatedProcess): void {
    const entry = this.#entries.get(node)
    if (entry?.process !== process) return
    entry.isSilent = true
    this.#tell()
  }

  /** Calls `receive` at each change, in the place of whoever watched for this node before. */
  watch(node: string, receive: (peers: readonly Peer[]) => void): void {
    this.#watchers.set(node, receive)
    this.#tell()
  }

  #tell(): void {
    for (const [node, receive] of this.#watchers) {
      this.#time.after(this.#dice.between(1, 300), () => receive(this.#peersOf(node)))
    }
  }

  #peersOf(node: string): Peer[] {
    const others = [...this.#entries].filter(([other]) => other !== node)
    return others.map(
      ([
        node,
        {
          state: { candidate, healthy, role },
          isSilent,
        },
      ]) => ({
        node,
        priority: 0,
        isCandidate: candidate && healthy && role === 'slave' && !isSilent,
        isPresent: !isSilent && role !== 'disabled',
      }),
    )
  }
}
