import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { lastLine } from '../base/printable.ts'
import { shellStatus } from '../child/exit-status.ts'
import { runTask } from '../child/task.ts'
import { connectFailure, type ProbeResult } from './probe-result.ts'

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
): Promise<ProbeResult> {
  const command = { file: '/bin/sh', words: ['/bin/sh', '-c', line] as const }
  try {
    const { status, output: written } = await runTask(ctx, {
      command,
      environment,
      timeoutMs,
      graceMs: GRACE_MS,
      sparesDaemons: true,
    })
    const output = written.trim()
    if (status === 'interrupted') throw ctx.signal.reason
    if (status === 'too-late') return { healthy: false, why: `no end within ${formatDuration(timeoutMs)}`, output }
    const code = shellStatus(status)
    const last = lastLine(output, LINE_LENGTH)
    return { healthy: code === 0, why: `it ended with ${code}${last && `: ${last}`}`, output }
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    // Without a process nothing is known.
    return { healthy: false, why: connectFailure(thrown), output: '' }
  }
}
