import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { shellStatus } from '../child/exit-status.ts'
import { runTask } from '../child/task.ts'
import { type GateOf, OPEN, shut, type Verdict } from './gate.ts'
import { shortened } from './grammar.ts'

/** A command that lasts longer is ended, and its gate is shut for now. */
const COMMAND_MS = 30_000

/** Runs a gate's command once. Rejects only with the signal's reason; the command is ended then. */
export async function probeCommand(
  ctx: Context,
  gate: GateOf<'cmd'>,
  environment: NodeJS.ProcessEnv,
): Promise<Verdict> {
  const command = { file: '/bin/sh', words: ['/bin/sh', '-c', gate.command] as const }
  try {
    const { status, output } = await runTask(ctx, { command, environment, timeoutMs: COMMAND_MS })
    if (status === 'too-late') return shut(`no end within ${COMMAND_MS / 1000}s`)
    const code = shellStatus(status)
    const said = shortened(output.trimEnd().split('\n').at(-1) ?? '')
    return code === 0 ? OPEN : shut(said === '' ? `it ended with ${code}` : `it ended with ${code}: ${said}`)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    const isTrouble = thrown instanceof Failure || typeof (thrown as NodeJS.ErrnoException).code === 'string'
    // Without a process or a place for its output (a full disk) nothing is known.
    if (isTrouble) return shut(messageOf(thrown))
    throw thrown
  }
}
