import type { Context } from '../../base/context.ts'
import { messageOf } from '../../base/failure.ts'
import { findExecutable } from '../../child/executable.ts'
import { type OnGroup, runTask } from '../../child/task.ts'
import type { CommandLine, LeaderFile } from '../leader-file.ts'
import { CALL_GRACE_MS } from '../leader-timing.ts'
import type { ApplicationCall, Leader } from '../machine/agent-state.ts'
import type { Application, CallOptions, CallResult, HealthReport } from './application.ts'
import { callLimitMs } from './call-limit.ts'
import { commandWords } from './command-line.ts'
import { type CommandResult, commandResult } from './command-result.ts'
import { portHealth, urlHealth } from './health-probes.ts'
import { lagIn } from './lag.ts'
import type { ModuleRunner } from './module-runner.ts'

/** An application that is run by commands. */
export class CommandApplication implements Application {
  readonly #file: LeaderFile
  readonly #module: ModuleRunner | undefined
  readonly #environment: NodeJS.ProcessEnv

  /** The environment has CONSUL_LOCKER_NAME and _NODE in it already. */
  constructor(file: LeaderFile, module: ModuleRunner | undefined, environment: NodeJS.ProcessEnv) {
    this.#file = file
    this.#module = module
    this.#environment = environment
  }

  get canDemote(): boolean {
    return this.#lineOf('demote') !== undefined
  }

  get canFence(): boolean {
    return this.#lineOf('fence') !== undefined
  }

  get canStandBy(): boolean {
    return this.#lineOf('stand-by') !== undefined
  }

  get asksReadiness(): boolean {
    return this.#lineOf('ready') !== undefined
  }

  async health(ctx: Context, role: 'master' | 'slave'): Promise<HealthReport> {
    const { health, timeouts } = this.#file
    const timeoutMs = health?.timeout ?? timeouts.health
    if (health?.http !== undefined) return urlHealth(ctx, health.http, timeoutMs)
    if (health?.tcp !== undefined) return portHealth(ctx, health.tcp, timeoutMs)
    const line = this.#module?.command('health') ?? health?.command ?? ''
    const { ok, said, message } = await this.#run(ctx, line, { ROLE: role }, { timeoutMs, leader: undefined })
    return { healthy: ok, message: said || message || `${this.#file.name} is healthy`, ...lagIn(said) }
  }

  async call(
    ctx: Context,
    call: ApplicationCall,
    { leader, fence, hurried, onGroup }: CallOptions,
  ): Promise<CallResult> {
    const line = this.#lineOf(call)
    if (line === undefined) {
      return call === 'reinit' ? { ok: false, message: 'the file names no reinit' } : { ok: true, message: '' }
    }
    const timeoutMs = callLimitMs(this.#file, call, hurried)
    const variables = { ROLE: call === 'ensure-master' ? 'master' : 'slave', FENCE: String(fence ?? '') }
    return this.#run(ctx, line, variables, { timeoutMs, leader, onGroup })
  }

  #lineOf(call: ApplicationCall): CommandLine | undefined {
    const { ensure_master, ensure_slave, stand_by, reinit, demote, fence, ready_to_lead } = this.#file
    const lines = {
      'ensure-master': ['ensureMaster', ensure_master],
      'ensure-slave': ['ensureSlave', ensure_slave],
      'stand-by': ['standBy', stand_by],
      reinit: ['reinit', reinit],
      demote: ['demote', demote],
      fence: ['fence', fence],
      ready: ['readyToLead', ready_to_lead],
    } as const
    const [name, line] = lines[call]
    if (this.#module) return this.#module.exports.has(name) ? this.#module.command(name) : undefined
    return line
  }

  async #run(
    ctx: Context,
    line: CommandLine,
    variables: Readonly<Record<string, string>>,
    terms: { timeoutMs: number; leader: Leader | undefined; onGroup?: OnGroup },
  ): Promise<CommandResult> {
    const { timeoutMs, leader, onGroup } = terms
    try {
      const environment = this.#environmentWith(variables, leader)
      const end = await runTask(ctx, {
        command: findExecutable(commandWords(line, leader), environment.PATH),
        environment,
        timeoutMs,
        graceMs: CALL_GRACE_MS,
        sparesDaemons: true,
        ...(onGroup ? { onGroup } : {}),
      })
      return commandResult(end, timeoutMs)
    } catch (thrown) {
      return { ok: false, said: '', message: messageOf(thrown) }
    }
  }

  #environmentWith(variables: Readonly<Record<string, string>>, leader: Leader | undefined): NodeJS.ProcessEnv {
    const ours = Object.entries(variables).map(([name, value]) => [`CONSUL_LOCKER_${name}`, value])
    const common = this.#module ? this.#module.environment(this.#environment) : this.#environment
    return {
      ...common,
      ...Object.fromEntries(ours),
      ...(leader === undefined
        ? {}
        : {
            CONSUL_LOCKER_MASTER_HOST: leader.node,
            CONSUL_LOCKER_MASTER_ADDRESS: leader.address,
            CONSUL_LOCKER_MASTER_PORT: String(leader.port),
          }),
    }
  }
}
