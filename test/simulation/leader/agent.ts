import type { Context } from '../../../src/base/context.ts'
import type { Log } from '../../../src/base/log.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { transact } from '../../../src/consul/txn.ts'
import { FaultyTransport } from '../../../src/devagent/faulty-transport.ts'
import { Agent } from '../../../src/leader/agent.ts'
import { Election } from '../../../src/leader/election.ts'
import { watchFolder } from '../../../src/leader/folder.ts'
import { leaderKeys } from '../../../src/leader/leader-keys.ts'
import type { Role } from '../../../src/leader/machine/role.ts'
import { planTiming } from '../../../src/lock/deadline.ts'
import { releaseFor } from '../../../src/lock/release.ts'
import { MachineClock } from '../machine-clock.ts'
import { into, SimulatedProcess } from '../process.ts'
import type { Stage } from '../runner.ts'
import type { PlannedMachine } from '../schedule.ts'
import { NO_SETTINGS } from '../settings.ts'
import { fateAt } from '../wire.ts'
import { LIMITS, type SimulatedApplication } from './application.ts'
import { SimulatedGuard } from './guard.ts'

export const KEYS = leaderKeys('simulated')
export const GRACE_MS = LIMITS.graceMs + LIMITS.demoteMs + LIMITS.fenceMs
export const TIMING = planTiming({ ttlMs: 10_000, graceMs: GRACE_MS })

const SILENT: Log = { debugging: false, mark() {}, debug() {}, notice() {}, warn() {}, error() {} }

/** The real agent, in a process that can be stopped and killed, on a machine with its own clock and wire. */
export class SimulatedAgent {
  readonly process: SimulatedProcess
  readonly #stage: Stage
  readonly #machine: PlannedMachine
  readonly #node: string
  readonly #agent: Agent
  role: Role | undefined

  constructor(stage: Stage, machine: PlannedMachine, application: SimulatedApplication, timing = TIMING) {
    this.#stage = stage
    this.#machine = machine
    this.#node = application.node
    this.process = new SimulatedProcess(stage.time)
    const undying = new SimulatedProcess(stage.time)
    const outside = this.#context(undying)
    const guard = new SimulatedGuard(outside, this.process, application, (sessionId) =>
      releaseFor(outside, this.#consul(undying), { key: KEYS.lock, sessionId }),
    )
    const node = this.#node
    const self = { node, address: node, port: 1, pid: 1, user: 'simulated', runId: node }
    const registered = Promise.resolve()
    const terms = { name: 'simulated', keys: KEYS, timing, checks: [], self, maxFailoversPerHour: 1000, registered }
    const consul = this.#consul(this.process)
    const watching = this.#consul(this.process)
    this.#agent = new Agent(
      this.#context(this.process),
      {
        name: 'simulated',
        node,
        application: application.seenFrom(this.process),
        guard,
        graceMs: timing.graceMs,
        registration: {
          done: registered,
          show: ({ role }) => {
            this.role = role
          },
          keep: (ctx) => new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve())),
          remove: async () => {},
        },
        lock: (ctx, listener) => new Election(ctx, consul, terms, listener),
        watch: (ctx, receive) => watchFolder(ctx, watching, KEYS, receive),
        watchRank: (ctx) => new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve())),
        takeStepDown: async (ctx, index) => {
          await transact(ctx, consul, [{ verb: 'delete-cas', key: KEYS.stepDown, index }])
        },
      },
      { intervalMs: 2000, nofailover: false, minLeaderMs: 0 },
    )
    this.#agent.run().then(() => this.process.end())
  }

  /** As at a TERM. */
  stop(): void {
    this.process.enter(() => this.#agent.stop())
  }

  #context(process: SimulatedProcess): Context {
    const clock = new MachineClock(this.#stage.time, this.#machine.rate, process)
    return { clock, log: SILENT, signal: new AbortController().signal, random: this.#stage.dice.next }
  }

  #consul(process: SimulatedProcess): Consul {
    const { agent, time, dice } = this.#stage
    const policy = () => fateAt(this.#machine, time.nowMs, dice)
    return new Consul(NO_SETTINGS, into(process, new FaultyTransport(agent.transport(this.#node), time, policy)))
  }
}
