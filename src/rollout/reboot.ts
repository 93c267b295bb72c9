import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { findExecutable } from '../child/executable.ts'
import { shellStatus } from '../child/exit-status.ts'
import { runTask } from '../child/task.ts'
import { transact } from '../consul/txn.ts'
import { failureStep } from './failures.ts'
import type { HostRollout } from './host-rollout.ts'
import { rolloutCommandWords } from './rollout-file.ts'
import { rolloutVariables, type StepEnd } from './with-permit.ts'

/** The command only asks for the reboot; what it starts goes on without it. */
const ASKING_MS = 60_000
const GRACE_MS = 5000

/**
 * Reboots this host, whose slots are kept for it meanwhile; also when it was to reboot and didn't yet. When its time is
 * over (`backByMs`, since 1970), it has failed, as all others hold it for failed then.
 */
export async function rebootHost(
  ctx: Context,
  rollout: HostRollout,
  version: string,
  backByMs: number,
): Promise<StepEnd> {
  const { host, file, keys, consul } = rollout
  const trouble = missedReboot(ctx, rollout, backByMs) ?? (await ask(ctx, rollout, version))
  if (trouble === undefined) return { kind: 'rebooting', why: `${host} reboots for ${version}; its slots are kept` }
  const why = `${rolloutCommandWords(file.reboot.command).join(' ')}: ${trouble}`
  await transact(ctx, consul, [failureStep(keys, { host, version, why }, ctx.clock.now().wallMs)])
  return { kind: 'failed', why }
}

/** Why it is too late for a reboot, in words; `undefined` while it isn't. */
export function missedReboot({ clock }: Context, { file }: HostRollout, backByMs: number): string | undefined {
  return clock.now().wallMs < backByMs ? undefined : `it did not reboot within ${formatDuration(file.reboot.within)}`
}

async function ask(ctx: Context, rollout: HostRollout, version: string): Promise<string | undefined> {
  const environment = rolloutVariables(rollout, version)
  const words = rolloutCommandWords(rollout.file.reboot.command)
  ctx.log.notice(`running ${words.join(' ')}`)
  try {
    const command = findExecutable(words, environment.PATH)
    const task = { command, environment, timeoutMs: ASKING_MS, graceMs: GRACE_MS, sparesDaemons: true }
    const { status } = await runTask(ctx, task)
    if (status === 'interrupted') throw ctx.signal.reason
    if (status === 'too-late') return `it did not end within ${formatDuration(ASKING_MS)}`
    const code = shellStatus(status)
    return code === 0 ? undefined : `it failed with ${code}`
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.message
    throw thrown
  }
}
