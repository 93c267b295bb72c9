import { sleep } from '../../src/base/abort.ts'
import type { Context } from '../../src/base/context.ts'
import { Failure } from '../../src/base/failure.ts'
import type { Log } from '../../src/base/log.ts'
import type { ForwardedSignal, SignalSource } from '../../src/child/signals.ts'
import { Consul } from '../../src/consul/consul.ts'
import type { DevAgent } from '../../src/devagent/dev-agent.ts'
import { FaultyTransport } from '../../src/devagent/faulty-transport.ts'
import type { VirtualClock } from '../../src/devagent/virtual-clock.ts'
import { releaseFor } from '../../src/lock/release.ts'
import type { Job, Outcome, World } from '../../src/run/job.ts'
import { run } from '../../src/run/run.ts'
import { SimulatedCommand } from './command.ts'
import type { Dice } from './dice.ts'
import { SimulatedGuardian } from './guardian.ts'
import type { Ledger } from './ledger.ts'
import { MachineClock } from './machine-clock.ts'
import { into, SimulatedProcess } from './process.ts'
import type { PlannedGates, PlannedMachine, PlannedRun } from './schedule.ts'
import { NO_SETTINGS } from './settings.ts'
import { fateAt } from './wire.ts'

export const NAME = 'simulated'
export const KEY = 'consul-locker-simulated'

/** What all runners of a story share. */
export interface Stage {
  readonly time: VirtualClock
  readonly agent: DevAgent
  readonly dice: Dice
  readonly ledger: Ledger
}

export const SILENT: Log = { debugging: false, mark() {}, debug() {}, notice() {}, warn() {}, error() {} }

/** The real lock runner, in a process that can be stopped and killed, on a machine with its own clock and wire. */
export class SimulatedRunner {
  readonly process: SimulatedProcess
  readonly clock: MachineClock
  readonly guardian: SimulatedGuardian
  /** How it ended; stays `undefined` for one that was killed. */
  outcome: Outcome | Failure | undefined
  readonly #stage: Stage
  readonly #machine: PlannedMachine
  readonly #name: string
  readonly #listeners: ((signal: ForwardedSignal) => void)[] = []

  constructor(stage: Stage, machine: PlannedMachine, plan: PlannedRun, name: string) {
    this.#stage = stage
    this.#machine = machine
    this.#name = name
    this.process = new SimulatedProcess(stage.time)
    this.clock = new MachineClock(stage.time, machine.rate, this.process)
    this.guardian = this.#guardian(plan)
    this.#run(plan)
  }

  signal(signal: ForwardedSignal): void {
    this.process.enter(() => this.#listeners.at(-1)?.(signal))
  }

  #run(plan: PlannedRun): void {
    const job: Job = {
      name: NAME,
      key: KEY,
      command: ['simulated'],
      recorded: ['simulated'],
      timing: plan.timing,
      waitMs: plan.waitMs,
      waitGroup: false,
      environment: {},
      runId: this.#name,
      mark: this.#name,
    }
    const end = (outcome: Outcome | Failure) => {
      this.outcome = outcome
      this.process.end()
    }
    run(this.#context(this.clock), this.#world(plan), job).then(
      (result) => end(result.outcome),
      (thrown: unknown) => {
        if (!(thrown instanceof Failure)) throw thrown
        end(thrown)
      },
    )
  }

  #world(plan: PlannedRun): World {
    const { time, ledger } = this.#stage
    const signals: SignalSource = {
      listen: (receive) => {
        this.#listeners.push(receive)
        return { [Symbol.dispose]: () => void this.#listeners.splice(this.#listeners.indexOf(receive), 1) }
      },
    }
    return {
      consul: this.#consul(this.process),
      ...(plan.gates && simulatedGates(plan.gates, this.#stage.dice)),
      signals,
      guardian: this.guardian,
      launch: async ({ environment }) => {
        const fence = Number(environment.CONSUL_LOCKER_FENCE)
        const command = new SimulatedCommand(time, this.process, plan.script, ledger, this.#name, fence)
        this.guardian.command = command
        return command
      },
      publish: async () => ({ [Symbol.dispose]() {} }),
      self: () => ({ host: this.#name, pid: 1, user: 'simulated' }),
    }
  }

  #guardian(plan: PlannedRun): SimulatedGuardian {
    const undying = new SimulatedProcess(this.#stage.time)
    const ctx = this.#context(new MachineClock(this.#stage.time, this.#machine.rate, undying))
    const release = (sessionId: string) => releaseFor(ctx, this.#consul(undying), { key: KEY, sessionId })
    return new SimulatedGuardian(ctx, plan.timing.graceMs, this.process, release)
  }

  #context(clock: MachineClock): Context {
    return { clock, log: SILENT, signal: new AbortController().signal, random: this.#stage.dice.next }
  }

  #consul(process: SimulatedProcess): Consul {
    const { agent, time, dice } = this.#stage
    const node = this.#name.split('/')[0] as string
    const policy = () => fateAt(this.#machine, time.nowMs, dice)
    return new Consul(NO_SETTINGS, into(process, new FaultyTransport(agent.transport(node), time, policy)))
  }
}

function simulatedGates(gates: PlannedGates, dice: Dice): Pick<World, 'gatesBefore' | 'gatesAfter'> {
  return {
    async gatesBefore(ctx, timeoutMs) {
      const isLook = timeoutMs === 0
      await sleep(ctx, isLook ? gates.lookMs : Math.min(gates.opensMs, timeoutMs))
      const isShut = isLook ? dice.chance(gates.shuts) : gates.opensMs > timeoutMs
      return isShut ? ['a gate'] : []
    },
    async gatesAfter(ctx) {
      await sleep(ctx, gates.lingersMs)
      return []
    },
  }
}
