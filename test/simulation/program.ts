import { Consul } from '../../src/consul/consul.ts'
import { isConsulLockerError, isLockLost, type LockLost } from '../../src/library/errors.ts'
import type { Held } from '../../src/library/held.ts'
import { withLockIn } from '../../src/library/with-lock.ts'
import { FaultyTransport } from '../virtual/faulty-transport.ts'
import { NO_SETTINGS } from '../virtual/settings.ts'
import { LeaseWitness } from './lease-witness.ts'
import { LATENESS_MS, type Life } from './ledger.ts'
import { MachineClock } from './machine-clock.ts'
import { into, SimulatedProcess } from './process.ts'
import { LOCK_NAME, type Stage } from './runner.ts'
import type { PlannedMachine, PlannedRun } from './schedule.ts'
import { fateAt } from './wire.ts'

/** How a program's call settled. */
export type CallEnd = 'done' | 'lost' | 'given-up' | 'refused'

/**
 * A program that calls `withLock` once, in a process that can be stopped and killed. Its work follows a script: once
 * its signal has aborted it takes its time to stop, or doesn't heed it.
 */
export class SimulatedProgram {
  readonly process: SimulatedProcess
  readonly clock: MachineClock
  /** How the call settled; stays `undefined` for one that was killed. */
  end: CallEnd | undefined
  /** Clients of Consul that nobody let go of. */
  clients = 0
  readonly #name: string
  readonly #stage: Stage
  readonly #plan: PlannedRun
  readonly #witness: LeaseWitness
  readonly #stop = new AbortController()
  /** Its event loop did not turn for a while, so that nothing could tell it of a loss. */
  #wasStopped = false
  /** The loss that its work was told of, or ended with. */
  #loss: LockLost | undefined
  #leaseLeftAtEndMs = 0

  constructor(stage: Stage, machine: PlannedMachine, plan: PlannedRun, name: string) {
    this.#name = name
    this.#stage = stage
    this.#plan = plan
    this.process = new SimulatedProcess(stage.time)
    this.process.onStop(() => {
      this.#wasStopped = true
    })
    this.clock = new MachineClock(stage.time, machine.rate, this.process)
    this.#witness = new LeaseWitness(this.clock)
    this.#call(machine)
  }

  /** A signal to the process, on which it gives up. */
  signal(): void {
    this.process.enter(() => this.#stop.abort('a signal came'))
  }

  #call(machine: PlannedMachine): void {
    const { agent, time, dice } = this.#stage
    const node = this.#name.split('/')[0] as string
    const wire = new FaultyTransport(agent.transport(node), time, () => fateAt(machine, time.nowMs, dice))
    const consul = new Consul(NO_SETTINGS, this.#witness.over(into(this.process, wire)))
    const clientOf = async () => {
      this.clients += 1
      return {
        consul,
        another: () => consul,
        letGo: () => {
          this.clients -= 1
        },
      }
    }
    const { ttlMs, graceMs, lockDelayMs } = this.#plan.timing
    const options = { wait: this.#plan.waitMs, ttl: ttlMs, grace: graceMs, lockDelay: lockDelayMs }
    withLockIn({ clock: this.clock, random: dice.next, clientOf }, LOCK_NAME, (held) => this.#work(held), {
      ...options,
      signal: this.#stop.signal,
    }).then(
      () => this.#settle('done'),
      (thrown: unknown) => this.#settle(this.#kindOf(thrown)),
    )
  }

  #kindOf(thrown: unknown): CallEnd {
    if (isLockLost(thrown)) return 'lost'
    if (this.#stop.signal.aborted && thrown === this.#stop.signal.reason) return 'given-up'
    if (!isConsulLockerError(thrown)) this.#accuse(`rejects with ${thrown}`)
    return 'refused'
  }

  #settle(end: CallEnd): void {
    this.end = end
    if (end === 'done' && this.#loss) this.#accuse('is done, though its lock was lost')
    if (end === 'done' && this.#leaseLeftAtEndMs === 0) this.#accuse('is done, though its lease was over')
    this.process.end()
  }

  async #work(held: Held): Promise<void> {
    const { runsMs, termTakesMs } = this.#plan.script
    const { ledger, time } = this.#stage
    const life = ledger.begin(this.#name, held.fence, time.nowMs, this.#excuse(held))
    this.process.onEnd(() => ledger.end(life))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.clock.after(runsMs, resolve)
    held.signal.addEventListener('abort', () => {
      this.#hear(held)
      if (Number.isFinite(termTakesMs)) this.clock.after(termTakesMs, resolve)
    })
    if (held.signal.aborted) resolve()
    await promise
    this.#judge(held, life)
    ledger.end(life)
  }

  #hear({ signal, sessionId }: Held): void {
    if (!isLockLost(signal.reason)) return
    this.#loss = signal.reason
    const lateMs = this.#witness.unconfirmedMs(sessionId) - this.#plan.timing.ttlMs
    if (lateMs > LATENESS_MS && !this.#wasStopped) this.#accuse(`is told of its loss ${Math.round(lateMs)} ms too late`)
  }

  #judge(held: Held, life: Life): void {
    const { timing, script } = this.#plan
    this.#leaseLeftAtEndMs = held.leaseLeftMs
    const isHeedful = script.termTakesMs <= timing.graceMs && !this.#wasStopped
    if (!isHeedful) return
    this.#stage.ledger.judge(life, this.#witness.unconfirmedMs(held.sessionId) - timing.ttlMs - timing.graceMs)
  }

  /**
   * The promise of a lock in a process: its clock always tells that the lease is over before anybody else begins, and
   * its signal has told it, for as long as the grace, if the event loop has turned.
   */
  #excuse(held: Held): () => boolean {
    let toldAt: ReturnType<MachineClock['now']> | undefined
    held.signal.addEventListener('abort', () => {
      toldAt = this.clock.now()
    })
    return () => {
      if (held.leaseLeftMs > 0) return false
      return this.#wasStopped || (toldAt !== undefined && this.clock.since(toldAt) >= this.#plan.timing.graceMs)
    }
  }

  #accuse(what: string): void {
    this.#stage.ledger.violations.push(`at ${this.#stage.time.nowMs} ms ${this.#name} ${what}`)
  }
}
