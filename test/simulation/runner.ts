import { sleep } from '../../src/base/abort.ts'
import type { Context } from '../../src/base/context.ts'
import { Failure } from '../../src/base/failure.ts'
import type { ExitStatus } from '../../src/child/exit-status.ts'
import type { ForwardedSignal, RaisableSignals } from '../../src/child/signals.ts'
import { Consul } from '../../src/consul/consul.ts'
import type { Transport } from '../../src/consul/wire.ts'
import type { DevAgent } from '../../src/devagent/dev-agent.ts'
import type { LockSpec } from '../../src/lock/acquire-options.ts'
import { holderRecord } from '../../src/lock/holder-record.ts'
import { PauseRider } from '../../src/lock/pause-rider.ts'
import { releaseOnBehalf } from '../../src/lock/release.ts'
import { historyOnBehalf } from '../../src/run/history/history-on-behalf.ts'
import type { Period } from '../../src/run/history/period.ts'
import { PeriodRider } from '../../src/run/history/period-rider.ts'
import { RunsRider } from '../../src/run/history/runs-rider.ts'
import { unendedRuns } from '../../src/run/history/unended-runs.ts'
import { run } from '../../src/run/run.ts'
import type { RunOutcome } from '../../src/run/run-outcome.ts'
import type { RunDependencies, RunSpec } from '../../src/run/run-spec.ts'
import type { Dice } from '../virtual/dice.ts'
import { FaultyTransport } from '../virtual/faulty-transport.ts'
import { NO_SETTINGS } from '../virtual/settings.ts'
import { SILENT } from '../virtual/silent-log.ts'
import type { VirtualClock } from '../virtual/virtual-clock.ts'
import { SimulatedCommand } from './command.ts'
import { SimulatedGuardian } from './guardian.ts'
import { LeaseWitness } from './lease-witness.ts'
import type { Ledger } from './ledger.ts'
import { MachineClock } from './machine-clock.ts'
import type { Pauses } from './pauses.ts'
import { into, SimulatedProcess } from './process.ts'
import type { PlannedGates, PlannedMachine, PlannedRun } from './schedule.ts'
import { fateAt } from './wire.ts'

export const LOCK_NAME = 'simulated'
export const LOCK_KEY = 'consul-locker-simulated'

/** What all runners of a story share. */
export interface Stage {
  readonly time: VirtualClock
  readonly agent: DevAgent
  readonly dice: Dice
  readonly ledger: Ledger
  /** How often the command may run; as often as somebody starts it, unless this is told. */
  readonly period?: Period | undefined
  /** Absent where nobody pauses. */
  readonly pauses?: Pauses
}

/** What a run contends for, if not the plain lock. */
export type Wanted = Pick<LockSpec, 'key' | 'compound' | 'behavior' | 'amongHolders'>
/** The real lock runner, in a process that can be stopped and killed, on a machine with its own clock and wire. */
export class SimulatedRunner {
  readonly process: SimulatedProcess
  readonly clock: MachineClock
  readonly guardian: SimulatedGuardian
  /** How it ended; stays `undefined` for one that was killed. */
  outcome: RunOutcome | Failure | undefined
  readonly #stage: Stage
  readonly #machine: PlannedMachine
  readonly name: string
  /** Whether its command has begun, and how that ended. */
  began = false
  commandEnd: ExitStatus | undefined
  readonly #wanted: Wanted
  readonly #listeners: ((signal: ForwardedSignal) => void)[] = []

  constructor(
    stage: Stage,
    machine: PlannedMachine,
    plan: PlannedRun,
    name: string,
    wanted: Wanted = { key: LOCK_KEY },
  ) {
    this.#stage = stage
    this.#machine = machine
    this.name = name
    this.#wanted = wanted
    this.process = new SimulatedProcess(stage.time)
    this.clock = new MachineClock(stage.time, machine.rate, this.process)
    this.guardian = this.#guardian(plan)
    this.#run(plan)
  }

  signal(signal: ForwardedSignal): void {
    this.process.enter(() => this.#listeners.at(-1)?.(signal))
  }

  #run(plan: PlannedRun): void {
    const runId = this.name
    const holder = { host: this.name, pid: 1, user: 'simulated', command: ['simulated'], runId }
    const dependencies = this.#world(plan)
    const recorded = { lockKey: this.#wanted.key, runId, who: () => holder }
    const { period } = this.#stage
    const rider = period ? new PeriodRider(dependencies.consul, LOCK_NAME, recorded, period) : new RunsRider(recorded)
    const history = this.#wanted.compound ? undefined : rider
    const job: RunSpec = {
      lock: {
        name: LOCK_NAME,
        ...this.#wanted,
        timing: plan.timing,
        sessionName: `consul-locker ${LOCK_NAME} ${this.name}`,
        record: (nowMs, seen) => holderRecord(holder, plan.timing, nowMs, { unended: unendedRuns(seen, recorded) }),
        ancestors: [],
        handsOn: !this.#wanted.compound && !plan.isHeedless,
        riders: [...(plan.isHeedless ? [] : [new PauseRider(LOCK_NAME, LOCK_KEY)]), ...(history ? [history] : [])],
      },
      ...(history && { history }),
      command: ['simulated'],
      recorded: ['simulated'],
      waitMs: plan.waitMs,
      waitGroup: false,
      environment: {},
      runId,
      mark: this.name,
    }
    const end = (outcome: RunOutcome | Failure) => {
      this.outcome = outcome
      this.process.end()
    }
    run(this.#context(this.clock), dependencies, job).then(
      (result) => end(result.outcome),
      (thrown: unknown) => {
        if (!(thrown instanceof Failure)) throw thrown
        end(thrown)
      },
    )
  }

  #world(plan: PlannedRun): RunDependencies {
    const { time, ledger } = this.#stage
    const { ttlMs, graceMs } = plan.timing
    const witness = new LeaseWitness(this.clock)
    const signals: RaisableSignals = {
      raise: (signal) => this.#listeners.at(-1)?.(signal),
      listen: (receive) => {
        this.#listeners.push(receive)
        return { [Symbol.dispose]: () => void this.#listeners.splice(this.#listeners.indexOf(receive), 1) }
      },
    }
    return {
      consul: this.#consul(this.process, (transport) => witness.over(transport)),
      ...(plan.gates && simulatedGates(plan.gates, this.#stage.dice)),
      signals,
      guardian: this.guardian,
      launch: async ({ environment }) => {
        const fence = Number(environment.CONSUL_LOCKER_FENCE)
        const session = String(environment.CONSUL_LOCKER_SESSION)
        this.#stage.pauses?.judge(this.name, fence, this.clock.now().wallMs)
        const overdueMs = () => witness.unconfirmedMs(session) - ttlMs - graceMs
        const command = new SimulatedCommand(time, this.process, plan.script, ledger, this.name, fence, overdueMs)
        this.guardian.command = command
        this.began = true
        command.onEnd((status) => {
          this.commandEnd = status
        })
        return command
      },
      serveLease: async () => ({ [Symbol.dispose]() {} }),
    }
  }

  #guardian(plan: PlannedRun): SimulatedGuardian {
    const undying = new SimulatedProcess(this.#stage.time)
    const ctx = this.#context(new MachineClock(this.#stage.time, this.#machine.rate, undying))
    const { key, compound } = this.#wanted
    const release = async (sessionId: string, ended: string) => {
      const [consul, held] = [this.#consul(undying), { key, sessionId, mayBeHanded: true }]
      const riding = (ctx: Context) => historyOnBehalf(ctx, consul, held, ended)
      return releaseOnBehalf(ctx, consul, held, await compound?.(consul, sessionId, []), compound ? undefined : riding)
    }
    return new SimulatedGuardian(ctx, plan.timing.graceMs, this.process, release)
  }

  #context(clock: MachineClock): Context {
    return { clock, log: SILENT, signal: new AbortController().signal, random: this.#stage.dice.next }
  }

  #consul(process: SimulatedProcess, seen = (transport: Transport) => transport): Consul {
    const { agent, time, dice } = this.#stage
    const node = this.name.split('/')[0] as string
    const policy = () => fateAt(this.#machine, time.nowMs, dice)
    return new Consul(NO_SETTINGS, seen(into(process, new FaultyTransport(agent.transport(node), time, policy))))
  }
}

function simulatedGates(gates: PlannedGates, dice: Dice): Pick<RunDependencies, 'startGates' | 'releaseGates'> {
  return {
    async startGates(ctx, timeoutMs) {
      const isLook = timeoutMs === 0
      await sleep(ctx, isLook ? gates.lookMs : Math.min(gates.opensMs, timeoutMs))
      const isShut = isLook ? dice.chance(gates.shuts) : gates.opensMs > timeoutMs
      return isShut ? ['a gate'] : []
    },
    async releaseGates(ctx) {
      await sleep(ctx, gates.lingersMs)
      return []
    },
  }
}
