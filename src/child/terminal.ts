import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { isatty } from 'node:tty'
import type { Context } from '../base/context.ts'
import type { Child, Launch } from './child.ts'
import type { ExitStatus } from './exit-status.ts'
import { ProcessGroup } from './group.ts'
import { exitOf, started, tieToOurLife } from './process.ts'
import { type ForwardedSignal, stopSelf } from './signals.ts'

/**
 * A shell with job control, which is what it takes to make a process group the foreground of a terminal; Node can't.
 * The command is its only job. It reports on descriptor 3: first the job's group, then `stopped` each time that the
 * job was stopped (Ctrl-Z); then it stops itself until we continue it, and goes on with the job in the foreground or
 * in the background, wherever we are by then (fields 5 and 8 of stat: our group, and the terminal's foreground).
 */
const JOB_SHELL = `
set -m
sh -c 'echo $$ >&3; exec 3>&-; exec "$@"' sh "$@"
code=$?
while kill -s 0 %1 2>/dev/null; do
  echo stopped >&3
  kill -s STOP $$
  read -r stat <"/proc/$PPID/stat"
  set -- \${stat##*) }
  if [ "$3" = "$6" ]; then fg %1 >/dev/null; else bg %1 >/dev/null; wait %1; fi
  code=$?
done
exit $code
`

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
  const { file, words } = command
  const shell = await started(
    spawn('/bin/sh', ['-c', JOB_SHELL, 'sh', file, ...words.slice(1)], {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: environment,
    }),
    words[0],
  )
  const exited = exitOf(shell)
  const reports = createInterface({ input: shell.stdio[3] as Readable })
  const group = await new Promise<number>((resolve) => {
    reports.once('line', (line) => resolve(Number(line)))
    exited.then(() => resolve(0))
  })
  const child = new TerminalChild(shell.pid as number, new ProcessGroup(group), exited)
  reports.on('line', () => child.wasStopped())
  return child
}

class TerminalChild implements Child {
  readonly exited: Promise<ExitStatus>
  readonly #shell: number
  readonly #group: ProcessGroup
  #stopped = false

  constructor(shell: number, group: ProcessGroup, exited: Promise<ExitStatus>) {
    this.#shell = shell
    this.#group = group
    this.exited = exited
    tieToOurLife(group, exited)
  }

  get group(): number {
    return this.#group.id
  }

  /** The job was stopped, so the user's shell must see us stopped, and the rest of our pipeline, too. */
  wasStopped(): void {
    this.#stopped = true
    process.kill(0, 'SIGTSTP')
  }

  forward(signal: ForwardedSignal): void {
    if (signal === 'SIGTSTP') {
      if (!this.#stopped) this.#group.signal('SIGTSTP')
      else stopSelf()
      return
    }
    if (signal === 'SIGCONT' && this.#stopped) {
      this.#stopped = false
      process.kill(this.#shell, 'SIGCONT')
      return
    }
    this.#group.signal(signal)
  }

  kill(): void {
    this.#group.signal('SIGKILL')
  }

  async stop(ctx: Context, graceMs: number): Promise<boolean> {
    const empty = await this.#group.stop(ctx, graceMs)
    if (this.#stopped) process.kill(this.#shell, 'SIGCONT')
    return empty
  }
}
