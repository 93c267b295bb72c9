import { spawn } from 'node:child_process'
import type { Context } from '../base/context.ts'
import { randomId } from '../base/random-id.ts'
import type { Command } from './command.ts'
import { withCores } from './core-dump.ts'
import { ProcessGroup } from './group.ts'
import { OutputTail } from './output-tail.ts'
import { exitOf, started, tieToOurLife } from './process.ts'
import { endWithin, type LimitedEnd } from './time-limit.ts'

/** A command whose end and words matter to us. */
export interface Task {
  readonly command: Command
  readonly environment: NodeJS.ProcessEnv
  /** When this has passed it is ended, in milliseconds. */
  readonly timeoutMs: number
  /** From TERM to KILL, when it is ended, in milliseconds. */
  readonly graceMs: number
  /** Whether what has left its process group by then is a daemon that is meant to stay. */
  readonly sparesDaemons: boolean
  /** Hears of its process group when it has started, and of its end with `undefined`. */
  readonly onGroup?: (group: number | undefined) => void
}

/** How a task ended, with the last of what it wrote, a few kilobytes at most. */
export interface TaskEnd {
  readonly status: LimitedEnd['status']
  readonly output: string
}

/**
 * Runs a command without input, and keeps the last of what it writes. Settles with the command's own end, though a
 * daemon that it has started lives on and writes. It is ended when its time is over, or when the signal aborts.
 * Rejects with a `Failure` when the command can't be started.
 */
export async function runTask(ctx: Context, task: Task): Promise<TaskEnd> {
  const { command, environment, timeoutMs, graceMs, sparesDaemons, onGroup = () => {} } = task
  const { file, words } = command
  const output = await OutputTail.open(ctx, environment)
  const marker = `CONSUL_LOCKER_TASK_${randomId().replaceAll('-', '_')}`
  let status: LimitedEnd['status']
  try {
    const stdio = output?.writeEnd ?? 'ignore'
    const spawning = () =>
      spawn(file, words.slice(1), {
        argv0: words[0],
        stdio: ['ignore', stdio, stdio],
        detached: true,
        env: sparesDaemons ? environment : { ...environment, [marker]: '1' },
      })
    const process = await started(() => {
      try {
        return withCores(spawning)
      } finally {
        output?.handOver()
      }
    }, words[0])
    const group = new ProcessGroup(process.pid as number, { marker: `${marker}=1`, cgroup: undefined })
    const exited = exitOf(process)
    tieToOurLife(group, exited)
    onGroup(group.id)
    const stop = group.stop.bind(group)
    ;({ status } = await endWithin(ctx, { exited, stop }, timeoutMs, () => graceMs))
  } catch (thrown) {
    output?.leave()
    throw thrown
  } finally {
    onGroup(undefined)
  }
  return { status, output: output?.leave() ?? '' }
}
