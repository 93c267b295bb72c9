import type { Context } from '../../../src/base/context.ts'
import { Consul } from '../../../src/consul/consul.ts'
import { FailoverAgent } from '../../../src/leader/agent/failover-agent.ts'
import { NO_REINIT } from '../../../src/leader/agent/reinit-desk.ts'
import { promoteWithLoss } from '../../../src/leader/cluster/accepted-loss.ts'
import { isFormerLife } from '../../../src/leader/cluster/former-life.ts'
import { leaderKeys } from '../../../src/leader/cluster/leader-keys.ts'
import { sayPosition } from '../../../src/leader/cluster/positions.ts'
import { beginSwitchover } from '../../../src/leader/cluster/scheduled-switchover.ts'
import { answerStepDown } from '../../../src/leader/cluster/step-down-request.ts'
import { watchStoredState } from '../../../src/leader/cluster/stored-state.ts'
import { Election } from '../../../src/leader/election/election.ts'
import type { RoleTag } from '../../../src/leader/machine/role-tag.ts'
import { planTiming } from '../../../src/lock/lease-timing.ts'
import { releaseOnBehalf } from '../../../src/lock/release.ts'
import { FaultyTransport } from '../../virtual/faulty-transport.ts'
import { NO_SETTINGS } from '../../virtual/settings.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { MachineClock } from '../machine-clock.ts'
import { into, SimulatedProcess } from '../process.ts'
import type { Stage } from '../runner.ts'
import type { PlannedMachine } from '../schedule.ts'
import { fateAt } from '../wire.ts'
import { SimulatedAgentGuardian } from './agent-guardian.ts'
import { LIMITS, type SimulatedApplication } from './application.ts'
import type { SimulatedCatalog } from './catalog.ts'

export const KEYS = leaderKeys('simulated')
export const GRACE_MS = LIMITS.graceMs + LIMITS.demoteMs + LIMITS.fenceMs
export const TIMING = planTiming({ ttlMs: 10_000, graceMs: GRACE_MS })

/** What all agents of a story share. */
export interface LeaderStage extends Stage {
  readonly catalog: SimulatedCatalog
}

/** The real agent, in a process that can be stopped and killed, on a machine with its own clock and wire. */
export class SimulatedAgent {
  readonly process: SimulatedProcess
  readonly #stage: LeaderStage
  readonly #machine: PlannedMachine
  readonly #node: string
  readonly #agent: FailoverAgent
  readonly guardian: SimulatedAgentGuardian
  role: RoleTag | undefined

  constructor(stage: LeaderStage, machine: PlannedMachine, application: SimulatedApplication, timing = TIMING) {
    this.#stage = stage
    this.#machine = machine
    this.#node = application.node
    this.process = new SimulatedProcess(stage.time)
    const undying = new SimulatedProcess(stage.time)
    const outside = this.#context(undying)
    this.guardian = new SimulatedAgentGuardian(outside, this.process, application, (sessionId) =>
      releaseOnBehalf(outside, this.#consul(undying), { key: KEYS.lock, sessionId }),
    )
    const node = this.#node
    const runId = `${node}/${stage.time.nowMs}`
    const identity = { node, address: node, port: 1, pid: 1, user: 'simulated', runId, boot: node }
    const registered = Promise.resolve()
    const terms = {
      name: 'simulated',
      keys: KEYS,
      timing,
      identity,
      maxFailoversPerHour: () => 3,
      registered,
    }
    const consul = this.#consul(this.process)
    const watching = this.#consul(this.process)
    this.#agent = new FailoverAgent(
      this.#context(this.process),
      {
        name: 'simulated',
        node,
        application: application.seenFrom(this.process),
        guardian: this.guardian,
        isFormerLife: (holder) => isFormerLife(holder, identity, () => false),
        graceMs: timing.graceMs,
        fenceMs: LIMITS.fenceMs,
        reinit: NO_REINIT,
        spectators: [],
        registration: {
          done: registered,
          publish: (state) => {
            this.role = state.role
            stage.catalog.publish(node, this.process, state)
          },
          keep: (ctx) => new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve())),
          remove: async () => {},
        },
        lock: (ctx, listener) => new Election(ctx, consul, terms, listener),
        watchStoredState: (ctx, receive) => watchStoredState(ctx, watching, KEYS, receive),
        watchPeers: (ctx, receive) => {
          stage.catalog.watch(node, (peers) => this.process.enter(() => receive(peers)))
          return new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve()))
        },
        sayPosition: (ctx, said) => sayPosition(ctx, consul, KEYS, node, said),
        promoteWithLoss: (ctx, promote) => promoteWithLoss(ctx, consul, KEYS, promote),
        beginSwitchover: (ctx, due) => beginSwitchover(ctx, consul, KEYS, node, due),
        answerStepDown: (ctx, index, refused) => answerStepDown(ctx, consul, KEYS, index, refused),
      },
      {
        healthRule: { fall: 3, rise: 1 },
        intervalMs: 2000,
        nofailover: false,
        priority: 0,
        minLeaderMs: 0,
        maxLag: undefined,
        lookMs: 10_000,
      },
    )
    this.#agent.run().then(() => this.process.end())
  }

  /** How long its lease is yet, by its own clock; 0 without one. */
  get leaseLeftMs(): number {
    return this.#agent.status.leaseLeftMs ?? 0
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
