import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { scope, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { randomId } from '../base/random-id.ts'
import type { Command } from './command.ts'
import type { ExitStatus } from './exit-status.ts'
import { ProcessGroup } from './group.ts'
import { exitOf, started, tieToOurLife } from './process.ts'

/** How a task ended, with what it wrote: by itself, or by us because its time was over. */
export interface TaskEnd {
  readonly status: ExitStatus | 'too-late'
  readonly output: string
}

export interface Task {
  readonly command: Command
  readonly environment: NodeJS.ProcessEnv
  /** When this has passed, the task's processes are ended, in milliseconds. */
  readonly timeoutMs: number
  /** Hears of the task's process group when it runs. */
  readonly onGroup?: (group: number) => void
}

const GRACE_MS = 2000
const TOO_LATE = Symbol('the time of a task is over')

/**
 * Runs a command without input and collects what it writes. Settles with the command's own end, even though a daemon
 * that it has started lives on: the output goes to a file, which such a daemon may keep. Rejects with a `Failure` when
 * the command can't be started, and with the signal's reason; the command is ended then.
 */
export async function runTask(ctx: Context, { command, environment, timeoutMs, onGroup }: Task): Promise<TaskEnd> {
  const { file, words } = command
  const folder = mkdtempSync(join(tmpdir(), 'consul-locker-task-'))
  const path = join(folder, 'output')
  const output = openSync(path, 'a+')
  const marker = `CONSUL_LOCKER_TASK_${randomId().replaceAll('-', '_')}`
  try {
    const child = spawn(file, words.slice(1), {
      argv0: words[0],
      stdio: ['ignore', output, output],
      detached: true,
      env: { ...environment, [marker]: '1' },
    })
    const process = await started(child, words[0])
    const group = new ProcessGroup(process.pid as number, { marker: `${marker}=1`, cgroup: undefined })
    onGroup?.(group.id)
    const status = await endOf(ctx, exitOf(process), group, timeoutMs)
    return { status, output: readFileSync(path, 'utf8') }
  } finally {
    closeSync(output)
    rmSync(folder, { recursive: true, force: true })
  }
}

async function endOf(
  ctx: Context,
  exited: Promise<ExitStatus>,
  group: ProcessGroup,
  timeoutMs: number,
): Promise<ExitStatus | 'too-late'> {
  tieToOurLife(group, exited)
  using bounded = scope(ctx.signal)
  const cancel = ctx.clock.after(timeoutMs, () => bounded.abort(TOO_LATE))
  try {
    return await unlessAborted(bounded.signal, exited)
  } catch (thrown) {
    await group.stop({ ...ctx, signal: new AbortController().signal }, GRACE_MS)
    if (thrown !== TOO_LATE) throw thrown
    return 'too-late'
  } finally {
    cancel()
  }
}
