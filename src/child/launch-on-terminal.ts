import { type StdioOptions, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Child, LaunchRequest } from './child.ts'
import { exitStatusOf, killAtExit, spawned } from './child-process.ts'
import { withCores } from './core-dump.ts'
import { type ExitStatus, shellStatus } from './exit-status.ts'
import { inForeground } from './foreground.ts'
import { closeOnExecFds, stdioWith } from './inherited-fds.ts'
import { jobDescriptors, jobShell } from './job-shell.ts'
import { ProcessGroup } from './process-group.ts'
import { canBeContinued, type ForwardedSignal, stopSelf } from './signals.ts'

/** How long the job shell may take to hand the terminal back after its job's end. */
const HAND_BACK_MS = 1000

const BY_KEYBOARD = ['SIGINT', 'SIGQUIT'] as const
const WANTS_TERMINAL = [shellStatus({ signal: 'SIGTTIN' }), shellStatus({ signal: 'SIGTTOU' })]

/**
 * Starts a command as the foreground job of our terminal, which stays its controlling terminal: what is typed there
 * (Ctrl-C, Ctrl-\, Ctrl-Z) goes to the command and not to us, as if the shell had started it.
 */
export async function launchOnTerminal({ command, environment, marker, streams }: LaunchRequest): Promise<Child> {
  const { words } = command
  const passed = closeOnExecFds()
  const own = jobDescriptors(passed)
  const { args, env } = jobShell(words, environment, marker, own)
  const descriptors = [...passed.filter((fd) => !Object.values(own).includes(fd)), own.talk]
  const stdio: StdioOptions = stdioWith(descriptors, streams)
  stdio[own.talk] = 'pipe'
  const shell = await spawned(() => withCores(() => spawn('/bin/sh', args, { stdio, env })), words[0])
  const talk = shell.stdio[own.talk] as Socket
  talk.on('error', () => {}) // It ended; that is told otherwise.
  const reports = createInterface({ input: talk })[Symbol.asyncIterator]()
  const exited = exitStatusOf(shell)
  const first = await reports.next()
  if (first.done) {
    throw new Failure('not-executable', `the command ${words[0]} can't be started: its job shell was killed`)
  }
  return new TerminalChild({
    reports,
    talk,
    exited,
    group: new ProcessGroup(Number(first.value), { marker, cgroup: undefined }),
  })
}

interface JobShell {
  /** What it reports, line by line, after the first. */
  readonly reports: AsyncIterable<string>
  readonly talk: Socket
  readonly exited: Promise<ExitStatus>
  readonly group: ProcessGroup
}

class TerminalChild implements Child {
  readonly exited: Promise<ExitStatus>
  readonly #talk: Socket
  readonly #group: ProcessGroup
  readonly #forwarded = new Set<ForwardedSignal>()
  #stopped = false
  #ended = false

  constructor({ reports, talk, exited, group }: JobShell) {
    this.#talk = talk
    this.#group = group
    const listened = this.#listen(reports)
    this.exited = exited.then(async (itsOwn) => this.#hasEnded((await listened) ?? itsOwn))
    killAtExit(group, exited)
  }

  /** Settles with the job's status, if the job shell lived to tell it. */
  async #listen(reports: AsyncIterable<string>): Promise<ExitStatus | undefined> {
    for await (const line of reports) {
      const [word, status] = line.split(' ')
      if (word === 'ended') return { code: Number(status) }
      this.#wasStopped(Number(status))
    }
    return undefined
  }

  get group(): number {
    return this.#group.id
  }

  /**
   * If the job was stopped, the user's shell must see us stopped, and the rest of our pipeline, too. Unless nobody
   * could ever continue us, or the job asked for the terminal after `bg` and `fg`, and we can let it have that.
   */
  #wasStopped(status: number): void {
    const mayHaveTerminal = WANTS_TERMINAL.includes(status) && inForeground()
    if (!this.#runs()) this.#tell('no')
    else if (mayHaveTerminal || !canBeContinued()) this.#tell('fg')
    else {
      this.#stopped = true
      process.kill(0, 'SIGTSTP')
    }
  }

  #tell(word: 'fg' | 'bg' | 'no'): void {
    this.#stopped = false
    this.#talk.write(`${word}\n`)
  }

  /** The job shell has seen its status: if it ended, there is nothing left of it. */
  #runs(): boolean {
    try {
      return process.kill(this.#group.id, 0)
    } catch (thrown) {
      return (thrown as NodeJS.ErrnoException).code === 'EPERM'
    }
  }

  forward(signal: ForwardedSignal): void {
    if (this.#ended) return
    this.#forwarded.add(signal)
    if (this.#stopped && signal === 'SIGTSTP') stopSelf()
    else if (this.#stopped && signal === 'SIGCONT') this.#tell(inForeground() ? 'fg' : 'bg')
    else this.#group.signal(signal)
  }

  kill(): void {
    this.#group.signal('SIGKILL')
    if (this.#stopped) this.#tell('bg')
  }

  emptied(ctx: Context): Promise<void> {
    return this.#group.emptied(ctx)
  }

  async stop(ctx: Context, graceMs: number, signal?: NodeJS.Signals): Promise<boolean> {
    const empty = await this.#group.stop(ctx, graceMs, signal)
    if (this.#stopped) this.#tell('bg')
    await Promise.race([this.exited, sleep(ctx, HAND_BACK_MS)])
    return empty
  }

  /**
   * The rest of our group (a script, a pipeline) would have got the keyboard's signal, had we not moved the command
   * away.
   */
  #hasEnded(status: ExitStatus): ExitStatus {
    this.#ended = true
    const signal = BY_KEYBOARD.find((signal) => shellStatus({ signal }) === shellStatus(status))
    if (signal && !this.#forwarded.has(signal)) process.kill(0, signal)
    return status
  }
}
