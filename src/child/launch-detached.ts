import { type ChildProcess, spawn } from 'node:child_process'
import type { Context } from '../base/context.ts'
import type { Child, LaunchRequest } from './child.ts'
import { exitStatusOf, killAtExit, spawned } from './child-process.ts'
import { withCores } from './core-dump.ts'
import type { ExitStatus } from './exit-status.ts'
import { isPending, ownCgroup, type ProcessTraces } from './group-members.ts'
import { closeOnExecFds, stdioWith } from './inherited-fds.ts'
import { passedSockets } from './listen-fds.ts'
import { ProcessGroup } from './process-group.ts'
import { canBeContinued, type ForwardedSignal, stopSelf } from './signals.ts'

/** A signal that was not taken by then is blocked. */
const DELIVERY_MS = 50

/** Starts a command in a process group and a session of its own, without a controlling terminal. */
export async function launchDetached({ command, environment, marker, streams }: LaunchRequest): Promise<Child> {
  const { file, words } = command
  const sockets = passedSockets(environment)
  const stdio = stdioWith(new Set([...sockets.fds, ...closeOnExecFds()]), streams)
  const [program, argv0, args] = sockets.fds.length > 0 ? sockets.wrap(command) : [file, words[0], words.slice(1)]
  const spawning = () => spawn(program, args, { argv0, stdio, detached: true, env: environment })
  const process = await spawned(() => withCores(spawning), words[0])
  return new DetachedChild(process, { marker, cgroup: marker && ownCgroup(environment) })
}

/** A process that leads a group of its own, which is killed should we end before it. */
export class DetachedChild implements Child {
  readonly exited: Promise<ExitStatus>
  readonly #group: ProcessGroup

  constructor(process: ChildProcess, traces: ProcessTraces) {
    this.#group = new ProcessGroup(process.pid as number, traces)
    this.exited = exitStatusOf(process)
    killAtExit(this.#group, this.exited)
  }

  get group(): number {
    return this.#group.id
  }

  forward(signal: ForwardedSignal): void {
    if (signal === 'SIGTSTP' && !canBeContinued()) return
    this.#group.signal(signal)
    if (signal !== 'SIGTSTP') return
    // The kernel drops TSTP for a group whose session has no terminal; STOP it always honours. But CONT makes it forget
    // a TSTP that wasn't taken yet. We are about to stop, so nobody misses us meanwhile.
    const never = new Int32Array(new SharedArrayBuffer(4))
    for (let ms = 0; ms < DELIVERY_MS && isPending(this.#group.id, signal); ms++) Atomics.wait(never, 0, 0, 1)
    this.#group.signal('SIGSTOP')
    stopSelf()
  }

  kill(): void {
    this.#group.signal('SIGKILL')
  }

  emptied(ctx: Context): Promise<void> {
    return this.#group.emptied(ctx)
  }

  stop(ctx: Context, graceMs: number, signal?: NodeJS.Signals): Promise<boolean> {
    return this.#group.stop(ctx, graceMs, signal)
  }
}
