import { spawn } from 'node:child_process'
import { scope, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import type { Command } from './command.ts'
import type { ExitStatus } from './exit-status.ts'
import { ProcessGroup } from './group.ts'
import { exitOf, started, tieToOurLife } from './process.ts'
import { TaskOutput } from './task-output.ts'

/** A command that is run again and again, by someone who must not be harmed by it. */
export interface BriefTask {
  readonly command: Command
  readonly environment: NodeJS.ProcessEnv
  /** When this has passed it is ended, in milliseconds. */
  readonly timeoutMs: number
  /** From TERM to KILL, when it is ended, in milliseconds. */
  readonly graceMs: number
  /** Hears of its process group when it has started, and of its end with `undefined`. */
  readonly onGroup?: (group: number | undefined) => void
}

/** How it ended: by itself, because its time was over, or because the context's signal said so. */
export interface BriefEnd {
  readonly status: ExitStatus | 'too-late' | 'interrupted'
  /** The last of what it wrote, a few kilobytes at most. */
  readonly output: string
}

/** No process of any group carries this: what has left the group is a daemon that is meant to stay. */
const NOBODY = 'CONSUL_LOCKER_NOBODY=1'
const TOO_LATE = Symbol('the time of a task is over')

/**
 * Runs a command without input, and keeps the last of what it writes. Settles with the command's own end, though a
 * daemon that it has started lives on. Its process group is ended when its time is over, or when the signal aborts.
 * Rejects with a `Failure` when the command can't be started.
 */
export async function runBriefly(ctx: Context, task: BriefTask): Promise<BriefEnd> {
  const { command, environment, onGroup = () => {} } = task
  const output = TaskOutput.open(ctx.clock)
  try {
    const stdio = output?.descriptor ?? 'ignore'
    const { file, words } = command
    const child = spawn(file, words.slice(1), {
      argv0: words[0],
      stdio: ['ignore', stdio, stdio],
      detached: true,
      env: environment,
    })
    const process = await started(child, words[0])
    const group = new ProcessGroup(process.pid as number, { marker: NOBODY, cgroup: undefined })
    onGroup(group.id)
    try {
      const status = await endOf(ctx, exitOf(process), group, task)
      return { status, output: output?.last() ?? '' }
    } finally {
      onGroup(undefined)
    }
  } finally {
    output?.close()
  }
}

async function endOf(
  ctx: Context,
  exited: Promise<ExitStatus>,
  group: ProcessGroup,
  { timeoutMs, graceMs }: BriefTask,
): Promise<BriefEnd['status']> {
  tieToOurLife(group, exited)
  using bounded = scope(ctx.signal)
  const cancel = ctx.clock.after(timeoutMs, () => bounded.abort(TOO_LATE))
  try {
    return await unlessAborted(bounded.signal, exited)
  } catch (thrown) {
    await group.stop(under(ctx, new AbortController().signal), graceMs)
    return thrown === TOO_LATE ? 'too-late' : 'interrupted'
  } finally {
    cancel()
  }
}
