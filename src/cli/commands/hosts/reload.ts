import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import type { Executable } from '../../../child/executable.ts'
import { shellStatus } from '../../../child/exit-status.ts'
import { launchDetached } from '../../../child/launch-detached.ts'
import { endWithin, type LimitedEnd } from '../../../child/time-limit.ts'

const LIMIT_MS = 5 * 60_000
const GRACE_MS = 5000

/**
 * Runs the user's command with a new list of hosts in its environment, for 5 minutes at most; a daemon that it starts
 * lives on. Settles with whether it ended with 0; what else it did is warned of. Rejects with the signal's reason when
 * that aborts, once the command has ended.
 */
export async function reloadWith(
  ctx: Context,
  command: Executable,
  environment: NodeJS.ProcessEnv,
  list: string,
): Promise<boolean> {
  const trouble = await run(ctx, { command, environment: { ...environment, CONSUL_LOCKER_HOSTS: list } })
  ctx.signal.throwIfAborted()
  if (trouble === undefined) return true
  ctx.log.warn(`${trouble}; trying again`)
  return false
}

async function run(
  ctx: Context,
  { command, environment }: { command: Executable; environment: NodeJS.ProcessEnv },
): Promise<string | undefined> {
  const child = await launchDetached({ command, environment, marker: undefined }).catch((thrown: unknown) => {
    if (!(thrown instanceof Failure)) throw thrown
    return thrown.message
  })
  if (typeof child === 'string') return child
  const { status } = await endWithin(ctx, child, LIMIT_MS, () => GRACE_MS)
  return troubleOf(command.words[0], status)
}

function troubleOf(name: string, status: LimitedEnd['status']): string | undefined {
  if (status === 'interrupted') return `${name} was stopped`
  if (status === 'too-late') return `${name} did not end within ${formatDuration(LIMIT_MS)}`
  const code = shellStatus(status)
  return code === 0 ? undefined : `${name} failed with ${code}`
}
