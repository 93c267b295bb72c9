import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { shellStatus } from '../child/exit-status.ts'
import { type OnGroup, runTask, type TaskEnd } from '../child/task.ts'

/** What a hook is there for. */
export type HookEvent = 'wait' | 'acquire' | 'lost' | 'release'

/** A line for the shell, and what it is told. */
export interface RunHook {
  readonly event: HookEvent
  readonly line: string
  readonly environment: NodeJS.ProcessEnv
  /** From TERM to KILL, in milliseconds, if the lock is lost meanwhile. */
  readonly graceMs?: (reason: unknown) => number
  /** Hears of its process group, and with `undefined` of its end. */
  readonly onGroup?: OnGroup
}

/** How a hook ended: `why` it is no success, as a sentence, and whether it is gone. */
export interface HookEnd {
  readonly why: string | undefined
  readonly isGone: boolean
}

/** Nobody may have to wait for longer. */
export const HOOK_MS = 30_000
/** From TERM to KILL. */
export const HOOK_GRACE_MS = 1000

/**
 * Runs a hook: without input, its output on our standard error. One that takes too long, or that is at work when the
 * signal aborts or when we are killed, is ended with all of its processes. Never rejects.
 */
export async function runHook(ctx: Context, hook: RunHook): Promise<HookEnd> {
  const { event, line, environment, graceMs = () => HOOK_GRACE_MS, onGroup } = hook
  try {
    const { status, isGone } = await runTask(ctx, {
      command: { file: '/bin/sh', words: ['/bin/sh', '-c', line] },
      environment: { ...environment, CONSUL_LOCKER_EVENT: event },
      timeoutMs: HOOK_MS,
      graceMs,
      sparesDaemons: false,
      speaks: true,
      diesWithUs: true,
      ...(onGroup && { onGroup }),
    })
    return { why: complaint(event, status), isGone }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return { why: `--on-${event} failed: ${thrown.message}`, isGone: true }
  }
}

function complaint(event: HookEvent, status: TaskEnd['status']): string | undefined {
  if (status === 'too-late') return `--on-${event} took longer than ${formatDuration(HOOK_MS)}, and was ended`
  if (status === 'interrupted') return `--on-${event} was ended before it was done`
  const code = shellStatus(status)
  return code === 0 ? undefined : `--on-${event} failed with exit code ${code}`
}
