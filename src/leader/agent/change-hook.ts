import { AbortReason, scope, sleep } from '../../base/abort.ts'
import { type Context, under } from '../../base/context.ts'
import { messageOf } from '../../base/failure.ts'
import { findExecutable } from '../../child/executable.ts'
import { runTask } from '../../child/task.ts'
import { commandWords } from '../application/command-line.ts'
import { commandResult } from '../application/command-result.ts'
import type { CommandLine } from '../leader-file.ts'
import { CALL_GRACE_MS } from '../leader-timing.ts'
import type { AgentView, Spectator } from './spectator.ts'

/** So long an agent that ends waits for the command. */
const FINISHING_MS = 5000

/** Who is master, for others. */
interface Place {
  readonly node: string
  readonly address: string
  readonly port: number
}

/** What the command is told of. */
interface Standing {
  readonly role: string
  readonly master: Place | undefined
  readonly fence: number | undefined
}

/** The command, and how long it may take in milliseconds. */
export interface Hook {
  readonly command: CommandLine
  readonly timeoutMs: number
  readonly environment: NodeJS.ProcessEnv
}

const NOTHING: Standing = { role: '', master: undefined, fence: undefined }

/**
 * Runs the user's command at each change of this node's role or of the master. No two run at once: what changes while
 * one does is told by the next, and only as it is by then.
 */
export class ChangeHook implements Spectator {
  readonly #ctx: Context
  readonly #own: Place
  /** Asked at each run: the file may have been read again. */
  readonly #hook: () => Hook | undefined
  readonly #work: ReturnType<typeof scope>
  #told = NOTHING
  #now = NOTHING
  #running: Promise<void> | undefined

  constructor(ctx: Context, own: Place, hook: () => Hook | undefined) {
    this.#ctx = ctx
    this.#own = own
    this.#hook = hook
    this.#work = scope(ctx.signal)
  }

  saw({ role, leader, fence }: AgentView): void {
    const master = role === 'master' ? this.#own : placeOf(leader)
    this.#now = { role, master, fence: role === 'master' ? fence : undefined }
    if (isNews(this.#told, this.#now)) this.#running ??= this.#tell()
  }

  async finish(): Promise<void> {
    await Promise.race([this.#running, sleep(this.#ctx, FINISHING_MS).catch(() => {})])
    this.#work.abort(new AbortReason('the agent has ended'))
    await this.#running
  }

  async #tell(): Promise<void> {
    while (isNews(this.#told, this.#now) && !this.#work.signal.aborted) {
      const [before, after] = [this.#told, this.#now]
      this.#told = after
      const hook = this.#hook()
      if (hook) await this.#run(hook, before, after)
    }
    this.#running = undefined
  }

  /** Never rejects. */
  async #run({ command, timeoutMs, environment: own }: Hook, before: Standing, after: Standing): Promise<void> {
    const { log } = this.#ctx
    const environment = { ...own, ...variables(before, after) }
    try {
      const end = await runTask(under(this.#ctx, this.#work.signal), {
        command: findExecutable(commandWords(command, undefined), environment.PATH),
        environment,
        timeoutMs,
        graceMs: CALL_GRACE_MS,
        sparesDaemons: true,
      })
      const { ok, said, message } = commandResult(end, timeoutMs)
      if (!ok) log.warn(`on_change failed: ${message}`)
      else if (said !== '') log.notice(`on_change: ${said}`)
    } catch (thrown) {
      log.warn(`on_change failed: ${messageOf(thrown)}`)
    }
  }
}

function placeOf(leader: AgentView['leader']): Place | undefined {
  if (!leader?.promoted) return undefined
  const { node, address, port } = leader
  return { node, address, port }
}

function isNews(before: Standing, after: Standing): boolean {
  return JSON.stringify(before) !== JSON.stringify(after)
}

function variables(before: Standing, after: Standing): NodeJS.ProcessEnv {
  return {
    CONSUL_LOCKER_ROLE: after.role,
    CONSUL_LOCKER_OLD_ROLE: before.role,
    CONSUL_LOCKER_FENCE: String(after.fence ?? ''),
    ...placeVariables('CONSUL_LOCKER_MASTER', after.master),
    ...placeVariables('CONSUL_LOCKER_OLD_MASTER', before.master),
  }
}

function placeVariables(prefix: string, place: Place | undefined): NodeJS.ProcessEnv {
  const { node = '', address = '', port = '' } = place ?? {}
  return { [`${prefix}_HOST`]: node, [`${prefix}_ADDRESS`]: address, [`${prefix}_PORT`]: String(port) }
}
