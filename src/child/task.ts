import { spawn } from 'node:child_process'
import type { Context } from '../base/context.ts'
import { spawned } from './child-process.ts'
import { withCores } from './core-dump.ts'
import { dieWithParent } from './die-with-parent.ts'
import type { Executable } from './executable.ts'
import type { GuardedGroup } from './guardian.ts'
import { DetachedChild } from './launch-detached.ts'
import { type Marker, marked, newMarker } from './marker.ts'
import { OutputTail } from './output-tail.ts'
import { endWithin, type LimitedEnd } from './time-limit.ts'

/** A command whose end and words matter to us. */
export interface Task {
  readonly command: Executable
  readonly environment: NodeJS.ProcessEnv
  /** When this has passed it is ended, in milliseconds. */
  readonly timeoutMs: number
  /** From TERM to KILL, when it is ended, in milliseconds; it may depend on the reason of the signal that ends it. */
  readonly graceMs: number | ((reason: unknown) => number)
  /** Whether what has left its process group by then is a daemon that is meant to stay. */
  readonly sparesDaemons: boolean
  /** Whether its words go to our standard error, and none of them is kept. */
  readonly speaks?: boolean
  /** Whether it is killed, daemons and all, when somebody kills us. */
  readonly diesWithUs?: boolean
  /** Hears of its process group before it starts and when it has, and of its end with `undefined`. */
  readonly onGroup?: OnGroup
}

/** Who is told of a group that may have to be ended in our place. */
export type OnGroup = (group: GuardedGroup | undefined) => void

/** How a task ended, with the last of what it wrote, a few kilobytes at most. */
export interface TaskEnd extends LimitedEnd {
  readonly output: string
}

const STANDARD_ERROR = 2

/**
 * Runs a command without input, and keeps the last of what it writes. Settles with the command's own end, though a
 * daemon that it has started lives on and writes. It is ended when its time is over, or when the signal aborts.
 * Rejects with a `Failure` when the command can't be started.
 */
export async function runTask(ctx: Context, task: Task): Promise<TaskEnd> {
  const { environment, timeoutMs, graceMs, speaks = false, diesWithUs = false, onGroup = () => {} } = task
  const output = speaks ? undefined : await OutputTail.open(ctx, environment)
  const marker = newMarker('TASK')
  const begin = () => {
    const stdio = speaks ? STANDARD_ERROR : (output?.writeEnd ?? 'ignore')
    return begun(task, marker, stdio, () => output?.handOver())
  }
  let end: LimitedEnd
  try {
    onGroup(marker)
    const child = await (diesWithUs ? dieWithParent(marker, environment, begin) : begin())
    onGroup(child.group)
    end = await endWithin(ctx, child, timeoutMs, typeof graceMs === 'number' ? () => graceMs : graceMs)
  } catch (thrown) {
    output?.leave()
    throw thrown
  } finally {
    onGroup(undefined)
  }
  return { ...end, output: output?.leave() ?? '' }
}

/**
 * The task's process; `onSpawned` is called when it has its descriptors, or can't have any. Daemons are marked, too,
 * though they are spared: whoever is told of the group looks for the marker only before it has a number.
 */
async function begun(
  { command: { file, words }, environment, sparesDaemons, diesWithUs = false, onGroup }: Task,
  marker: Marker,
  stdio: number | 'ignore',
  onSpawned: () => void,
) {
  const endsDaemons = !sparesDaemons || diesWithUs
  const env = endsDaemons || onGroup ? marked(environment, marker) : environment
  const options = { argv0: words[0], stdio: ['ignore' as const, stdio, stdio], detached: true, env }
  const process = await spawned(() => {
    try {
      return withCores(() => spawn(file, words.slice(1), options))
    } finally {
      onSpawned()
    }
  }, words[0])
  return new DetachedChild(process, { marker: endsDaemons ? marker : undefined, cgroup: undefined })
}
