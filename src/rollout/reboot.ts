import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { findCommand } from '../child/command.ts'
import { shellStatus } from '../child/exit-status.ts'
import { runTask } from '../child/task.ts'
import { transact } from '../consul/txn.ts'
import { failureStep } from './failures.ts'
import { wordsOf } from './rollout-file.ts'
import type { Site } from './site.ts'
import { type Ending, environmentOf } from './works.ts'

/** The command only asks for the reboot; what it starts goes on without it. */
const ASKING_MS = 60_000
const GRACE_MS = 5000

/**
 * Reboots this host, whose slots are kept for it meanwhile; also when it was to reboot and didn't yet. When its time is
 * over (`backByMs`, since 1970), it has failed, as all others hold it for failed then.
 */
export async function reboot(ctx: Context, site: Site, version: string, backByMs: number): Promise<Ending> {
  const { host, file, keys, consul } = site
  const { command, within } = file.reboot
  const nowMs = ctx.clock.now().wallMs
  const trouble =
    nowMs < backByMs ? await ask(ctx, site, version) : `it did not reboot within ${formatDuration(within)}`
  if (trouble === undefined) return { kind: 'rebooting', why: `${host} reboots for ${version}; its slots are kept` }
  const why = `${wordsOf(command).join(' ')}: ${trouble}`
  await transact(ctx, consul, [failureStep(keys, { host, version, why }, nowMs)])
  return { kind: 'failed', why }
}

async function ask(ctx: Context, site: Site, version: string): Promise<string | undefined> {
  const environment = environmentOf(site, version)
  const words = wordsOf(site.file.reboot.command)
  ctx.log.notice(`running ${words.join(' ')}`)
  try {
    const command = findCommand(words, environment.PATH)
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
