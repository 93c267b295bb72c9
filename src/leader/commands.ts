import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { messageOf } from '../base/failure.ts'
import { findCommand } from '../child/command.ts'
import { runTask, type TaskEnd } from '../child/task.ts'
import type { Application, CallEnd, CallTerms, Report } from './application.ts'
import { wordsOf } from './command-line.ts'
import type { CommandLine, LeaderFile } from './leader-file.ts'
import type { Call, Leader } from './machine/state.ts'
import { probePort, probeUrl } from './probes.ts'

/** The longest time from TERM to KILL for a call that is ended. */
export const CALL_GRACE_MS = 1000
/** When somebody else may be master already. */
const HURRIED_MS = 2000
const MESSAGE_LENGTH = 200

/** Functions in place of commands: what a module exports is run by our own executable. */
export interface ModuleRunner {
  /** Which of the optional functions it exports. */
  readonly exports: ReadonlySet<string>
  /** The command that calls one of its functions. */
  command(name: string): readonly string[]
  /** What it needs in its environment beside what a command has. */
  environment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv
}

/** An application that is run by commands. */
export class CommandedApplication implements Application {
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

  get asksReadiness(): boolean {
    return this.#lineOf('ready') !== undefined
  }

  async health(ctx: Context, role: 'master' | 'slave'): Promise<Report> {
    const { health, timeouts } = this.#file
    const timeoutMs = health?.timeout ?? timeouts.health
    if (health?.http !== undefined) return probeUrl(ctx, health.http, timeoutMs)
    if (health?.tcp !== undefined) return probePort(ctx, health.tcp, timeoutMs)
    const line = this.#module?.command('health') ?? health?.command ?? ''
    const { ok, said, message } = await this.#run(ctx, line, { ROLE: role }, { timeoutMs, leader: undefined })
    return { healthy: ok, message: said || message || `${this.#file.name} is healthy` }
  }

  async call(ctx: Context, call: Call, { leader, fence, hurried, onGroup }: CallTerms): Promise<CallEnd> {
    const line = this.#lineOf(call)
    if (line === undefined) return { ok: true, message: '' }
    const ownMs = this.#timeoutOf(call)
    const timeoutMs = hurried ? Math.min(ownMs, HURRIED_MS) : ownMs
    const variables = { ROLE: call === 'ensure-master' ? 'master' : 'slave', FENCE: String(fence ?? '') }
    return this.#run(ctx, line, variables, { timeoutMs, leader, onGroup })
  }

  #timeoutOf(call: Call): number {
    const { health, ensure, demote, fence } = this.#file.timeouts
    if (call === 'ready') return health
    if (call === 'demote') return demote
    return call === 'fence' ? fence : ensure
  }

  #lineOf(call: Call): CommandLine | undefined {
    const { ensure_master, ensure_slave, demote, fence, ready_to_lead } = this.#file
    const lines = {
      'ensure-master': ['ensureMaster', ensure_master],
      'ensure-slave': ['ensureSlave', ensure_slave],
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
    terms: { timeoutMs: number; leader: Leader | undefined; onGroup?: (group: number | undefined) => void },
  ): Promise<RunEnd> {
    const { timeoutMs, leader, onGroup } = terms
    try {
      const environment = this.#environmentWith(variables, leader)
      const end = await runTask(ctx, {
        command: findCommand(wordsOf(line, leader), environment.PATH),
        environment,
        timeoutMs,
        graceMs: CALL_GRACE_MS,
        sparesDaemons: true,
        ...(onGroup ? { onGroup } : {}),
      })
      return verdictOn(end, timeoutMs)
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

interface RunEnd extends CallEnd {
  /** The command's own words, when it has ended by itself. */
  readonly said: string
}

function verdictOn({ status, output }: TaskEnd, timeoutMs: number): RunEnd {
  const said = shorten(output)
  if (typeof status === 'object' && 'code' in status && status.code === 0) return { ok: true, said, message: said }
  const how = howOf(status, timeoutMs)
  const message = said === '' ? how : `${said} (${how})`
  return { ok: false, said: typeof status === 'object' ? said : '', message }
}

function howOf(status: TaskEnd['status'], timeoutMs: number): string {
  if (status === 'too-late') return `no end within ${formatDuration(timeoutMs)}`
  if (status === 'interrupted') return 'interrupted'
  return 'code' in status ? `exit code ${status.code}` : `killed by ${status.signal}`
}

/** What stands behind the last NUL, which a module's message does; printable, on one line, not too long. */
function shorten(output: string): string {
  const line = output
    .slice(output.lastIndexOf('\0') + 1)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
  return line.length > MESSAGE_LENGTH ? `${line.slice(0, MESSAGE_LENGTH - 1)}…` : line
}
