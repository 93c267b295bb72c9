import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { isatty } from 'node:tty'
import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Child, Launch } from './child.ts'
import { type ExitStatus, shellStatus } from './exit-status.ts'
import { ProcessGroup } from './group.ts'
import { exitOf, started, tieToOurLife } from './process.ts'
import { canBeContinued, type ForwardedSignal, stopSelf } from './signals.ts'

/**
 * A shell with job control, which is what it takes to make a process group the foreground of a terminal; Node can't.
 * The command is its only job. Descriptor 3 is a socket to us: it reports the job's group first, then the status each
 * time that the job was stopped (Ctrl-Z), and waits for our word where to go on, `fg` or `bg`. When the job was killed,
 * it gives the terminal its modes back, as a shell does. Descriptor 4 is the command's standard error; the job shell's
 * own must be the terminal, for bash acts on that one.
 */
const JOB_SHELL = `
exec 4>&2 2>/dev/tty
modes=$(stty -g)
trap : INT QUIT
set -m
/bin/sh -c "$@"
code=$?
while kill -s 0 %1 2>/dev/null; do
  echo $code >&3
  read -r place <&3 || break
  if [ "$place" = fg ]; then fg %1 >/dev/null; else bg %1 >/dev/null; wait %1; fi
  code=$?
done
[ $code -le 128 ] || stty "$modes"
exit $code
`

/** How long the job shell may take to hand the terminal back after its job's end. */
const HAND_BACK_MS = 1000

const BY_KEYBOARD = ['SIGINT', 'SIGQUIT'] as const
const WANTS_TERMINAL = [shellStatus({ signal: 'SIGTTIN' }), shellStatus({ signal: 'SIGTTOU' })]

/** Whether our standard input is a terminal, and we are its foreground job. */
export function inForeground(): boolean {
  if (!isatty(0)) return false
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return group === foreground
  } catch {
    return false
  }
}

/**
 * Starts a command as the foreground job of our terminal, which stays its controlling terminal: what is typed there
 * (Ctrl-C, Ctrl-\, Ctrl-Z) goes to the command and not to us, as if the shell had started it.
 */
export async function launchOnTerminal({ command, environment }: Launch): Promise<Child> {
  const { words } = command
  const { start, carriers } = startScript(words[0], environment)
  const shell = await started(
    spawn('/bin/sh', ['-c', JOB_SHELL, 'sh', start, 'sh', ...words], {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: { ...environment, ...carriers },
    }),
    words[0],
  )
  const exited = exitOf(shell)
  const talk = shell.stdio[3] as Socket
  talk.on('error', () => {}) // It ended; `exited` tells.
  const reports = createInterface({ input: talk })
  const [group] = await Promise.race([once(reports, 'line'), exited.then(() => [])])
  if (group === undefined) {
    throw new Failure('not-executable', `the command ${words[0]} can't be started: its job shell was killed`)
  }
  const child = new TerminalChild(talk, new ProcessGroup(Number(group)), exited)
  reports.on('line', (status) => child.wasStopped(Number(status)))
  return child
}

/** Variables that every shell passes on as they are: with a name that it can have, and that it doesn't set itself. */
const PLAIN = /^(?!(?:PWD|OLDPWD|SHLVL|_|IFS|OPTIND|PPID|SHELLOPTS)$)[A-Za-z_][A-Za-z0-9_]*$/

/**
 * What the job's first shell does: it tells its process id, which is the group's, and becomes the command. Variables
 * that a shell would drop or change travel as values of `carriers`, and `env` restores them.
 */
function startScript(name: string, environment: NodeJS.ProcessEnv) {
  const begin = 'echo $$ >&3; exec 3>&- 2>&4 4>&-; exec'
  // `env` would take such a name for a variable.
  if (name.includes('=')) return { start: `${begin} "$@"`, carriers: {} }
  const odd = Object.entries(environment).filter(([variable]) => !PLAIN.test(variable))
  const carriers = Object.fromEntries(odd.map(([variable, value], n) => [`CARRIED_${n}`, `${variable}=${value}`]))
  const names = Object.keys(carriers)
  const forget = names.map((carrier) => `-u ${carrier}`).join(' ')
  const restore = names.map((carrier) => `"$${carrier}"`).join(' ')
  return { start: `${begin} /usr/bin/env ${forget} -- ${restore} "$@"`, carriers }
}

class TerminalChild implements Child {
  readonly exited: Promise<ExitStatus>
  readonly #talk: Socket
  readonly #group: ProcessGroup
  readonly #forwarded = new Set<ForwardedSignal>()
  #stopped = false
  #ended = false

  constructor(talk: Socket, group: ProcessGroup, exited: Promise<ExitStatus>) {
    this.#talk = talk
    this.#group = group
    this.exited = exited.then((status) => this.#hasEnded(status))
    tieToOurLife(group, exited)
  }

  get group(): number {
    return this.#group.id
  }

  /**
   * The job was stopped, so the user's shell must see us stopped, and the rest of our pipeline, too. Unless nobody
   * could ever continue us, or the job asked for the terminal after `bg` and `fg`, and we can let it have that.
   */
  wasStopped(status: number): void {
    if (!canBeContinued() || (WANTS_TERMINAL.includes(status) && inForeground())) return this.#goOn('fg')
    this.#stopped = true
    process.kill(0, 'SIGTSTP')
  }

  #goOn(place: 'fg' | 'bg'): void {
    this.#stopped = false
    this.#talk.write(`${place}\n`)
  }

  forward(signal: ForwardedSignal): void {
    if (this.#ended) return
    this.#forwarded.add(signal)
    if (this.#stopped && signal === 'SIGTSTP') stopSelf()
    else if (this.#stopped && signal === 'SIGCONT') this.#goOn(inForeground() ? 'fg' : 'bg')
    else this.#group.signal(signal)
  }

  kill(): void {
    this.#group.signal('SIGKILL')
    if (this.#stopped) this.#goOn('bg')
  }

  async stop(ctx: Context, graceMs: number): Promise<boolean> {
    const empty = await this.#group.stop(ctx, graceMs)
    if (this.#stopped) this.#goOn('bg')
    await Promise.race([this.exited, sleep(ctx, HAND_BACK_MS)])
    return empty
  }

  /** The rest of our group (a script, a pipeline) would have got the keyboard's signal, had we not moved the command away. */
  #hasEnded(status: ExitStatus): ExitStatus {
    this.#ended = true
    const signal = BY_KEYBOARD.find((signal) => shellStatus({ signal }) === shellStatus(status))
    if (signal && !this.#forwarded.has(signal)) process.kill(0, signal)
    return status
  }
}

/**
 * Ends this process by INT itself, if it is the foreground of a terminal. To a shell both are status 130, but a script
 * goes on after a command that exits with it, and stops after one that died of it.
 */
export function dieOfInterrupt(): void {
  if (!inForeground()) return
  process.removeAllListeners('SIGINT')
  process.kill(process.pid, 'SIGINT')
}
