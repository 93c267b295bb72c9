import { spawn } from 'node:child_process'
import { unlessAborted, withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { reasonOf } from '../base/failure.ts'
import { exitStatusOf, spawned } from './child-process.ts'
import { findExecutable } from './executable.ts'
import { shellStatus } from './exit-status.ts'

/** What a service tells systemd; https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html */
export interface ServiceNews {
  /** It has started: units that are ordered after it may start. */
  readonly ready?: boolean
  /** It has begun to end. */
  readonly stopping?: boolean
  /** How it is, in one line, for `systemctl status`. */
  readonly status?: string
  /** It works: the watchdog of the unit begins to count anew. */
  readonly alive?: boolean
  /** Its start takes longer than `TimeoutStartSec`, but no longer than this from now on, in milliseconds. */
  readonly startsWithinMs?: number
}

/** systemd-notify itself waits 5 s for systemd to have read. */
const TELLING_MS = 10_000

/**
 * Whether a unit's main process is us: what runs inside of a service has its NOTIFY_SOCKET, too, and has no business to
 * speak for it. systemd says so since 248 (SYSTEMD_EXEC_PID); before, and in a container, it's seen by who our parent
 * is.
 */
export function isMainProcess({ NOTIFY_SOCKET, SYSTEMD_EXEC_PID }: NodeJS.ProcessEnv): boolean {
  if (!NOTIFY_SOCKET) return false
  if (SYSTEMD_EXEC_PID) return Number(SYSTEMD_EXEC_PID) === process.pid
  return process.ppid === 1 || process.pid === 1
}

/**
 * Tells systemd about us, when we were started by a unit of `Type=notify` (NOTIFY_SOCKET is set); else does nothing.
 * Settles when systemd has read it, or after 10 s, whether or not the context's signal aborts; what fails is warned of
 * and never rejects. Await it, so that news arrive in order.
 *
 * Node has no datagram sockets of the file system's kind, so systemd's own program sends it. That speaks in our name if
 * we run as root; for other users the unit must say `NotifyAccess=all` (or `exec`).
 */
export async function notifyService(ctx: Context, environment: NodeJS.ProcessEnv, news: ServiceNews): Promise<void> {
  const words = wordsOf(news)
  if (!environment.NOTIFY_SOCKET || words.length === 0) return
  try {
    await withDeadline(ctx, TELLING_MS, (ctx) => send(ctx, environment, words))
  } catch (thrown) {
    ctx.log.warn(`systemd can't be told ${words.join(' ')}: ${reasonOf(thrown)}`)
  }
}

function wordsOf({ ready, stopping, status, alive, startsWithinMs }: ServiceNews): string[] {
  return [
    ...(ready ? ['READY=1'] : []),
    ...(stopping ? ['STOPPING=1'] : []),
    ...(alive ? ['WATCHDOG=1'] : []),
    ...(startsWithinMs === undefined ? [] : [`EXTEND_TIMEOUT_USEC=${startsWithinMs * 1000}`]),
    // A line break would begin another assignment.
    ...(status === undefined ? [] : [`STATUS=${status.replace(/\s+/g, ' ')}`]),
  ]
}

async function send(ctx: Context, environment: NodeJS.ProcessEnv, words: readonly string[]): Promise<void> {
  const { file } = findExecutable(['systemd-notify'], environment.PATH)
  const child = await spawned(() => spawn(file, words, { stdio: 'ignore', env: environment }), file)
  try {
    const code = shellStatus(await unlessAborted(ctx.signal, exitStatusOf(child)))
    if (code !== 0) throw new Error(`${file} ended with ${code}`)
  } finally {
    child.kill('SIGKILL')
  }
}
