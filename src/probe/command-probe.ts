import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { lastLine } from '../base/excerpt.ts'
import { shellStatus } from '../child/exit-status.ts'
import { runTask } from '../child/task.ts'
import { type Finding, reasonOf } from './finding.ts'

const GRACE_MS = 2000
const LINE_LENGTH = 120

/**
 * Runs a line of `/bin/sh` once; healthy when it ends with 0 in time. What takes longer is ended. Rejects only with the
 * signal's reason, when the line has been ended.
 */
export async function probeCommand(
  ctx: Context,
  line: string,
  environment: NodeJS.ProcessEnv,
  timeoutMs: number,
): Promise<Finding> {
  const command = { file: '/bin/sh', words: ['/bin/sh', '-c', line] as const }
  try {
    const { status, output } = await runTask(ctx, {
      command,
      environment,
      timeoutMs,
      graceMs: GRACE_MS,
      sparesDaemons: true,
    })
    const said = output.trim()
    if (status === 'interrupted') throw ctx.signal.reason
    if (status === 'too-late') return { healthy: false, why: `no end within ${formatDuration(timeoutMs)}`, said }
    const code = shellStatus(status)
    const last = lastLine(said, LINE_LENGTH)
    return { healthy: code === 0, why: `it ended with ${code}${last && `: ${last}`}`, said }
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    // Without a process nothing is known.
    return { healthy: false, why: reasonOf(thrown), said: '' }
  }
}
