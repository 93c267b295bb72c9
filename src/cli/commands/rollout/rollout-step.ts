import { resolve } from 'node:path'
import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { shellStatus } from '../../../child/exit-status.ts'
import { checkGuardianPrerequisites } from '../../../child/guardian-prerequisites.ts'
import { unlessInterrupted } from '../../../child/interruptible-wait.ts'
import type { SignalSource } from '../../../child/signals.ts'
import { takeHostMutex } from '../../../host/host-mutex.ts'
import type { HostRollout } from '../../../rollout/host-rollout.ts'
import { takeHostStep } from '../../../rollout/host-step.ts'
import { previewHostStep, type StepPreview } from '../../../rollout/step-preview.ts'
import type { StepEnd } from '../../../rollout/with-permit.ts'
import { rolloutRules } from '../../connection/acl-rules.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { print } from '../../output/print.ts'
import type { RolloutRequest } from './rollout-request.ts'
import { checkOwnRole } from './rollout-setup.ts'

const CODE: Record<StepEnd['kind'], number> = {
  idle: 0,
  waiting: 0,
  upgraded: 0,
  mended: 0,
  rebooting: 0,
  bootstrapped: 0,
  failed: EXIT.no,
  lost: EXIT.lost,
}

/**
 * `consul-locker rollout step -f FILE`. Settles with the exit code. The first signal has the command that runs stopped
 * and the slots given back; a second one doesn't wait for that, and the guardian does it.
 */
export async function rolloutStep(signals: SignalSource, { ctx, rollout, options }: RolloutRequest): Promise<number> {
  if (options.file === undefined) {
    throw new Failure('usage', 'a step needs to know what to do', {
      hint: 'consul-locker rollout step -f rollout.yaml',
    })
  }
  checkOwnRole(rollout, options.file)
  const report = (end: StepEnd | StepPreview | { kind: 'busy'; why: string }) => {
    if (options.json) print(JSON.stringify({ host: rollout.host, ...end }))
  }
  rollout.consul.rules = rolloutRules(rollout.keys)
  if (options['dry-run']) return interruptible(ctx, signals, (ctx) => dryRun(ctx, rollout, report))
  checkGuardianPrerequisites(rollout.environment.PATH)
  // What a killed step has left running is kept apart by the host's slot in Consul.
  using mutex = takeHostMutex(ctx, rollout.environment, `rollout ${resolve(rollout.local.file)}`)
  if (!mutex) {
    const why = 'another step of this host is running'
    ctx.log.notice(why)
    report({ kind: 'busy', why })
    return EXIT.done
  }
  const end = await unlessInterrupted(ctx, signals, (ctx) => takeHostStep(ctx, rollout))
  if (end.kind === 'interrupted') {
    ctx.log.warn('interrupted; the next step goes on')
    return shellStatus(end)
  }
  const { kind, why, waitsFor } = end
  if (kind === 'failed' || kind === 'lost') ctx.log.error(why)
  else if (waitsFor === 'failures') ctx.log.warn(why)
  else ctx.log.notice(why)
  report({ kind, why })
  return CODE[end.kind]
}

async function dryRun(ctx: Context, rollout: HostRollout, report: (preview: StepPreview) => void): Promise<number> {
  const preview = await previewHostStep(ctx, rollout)
  ctx.log.notice(preview.why)
  report(preview)
  return EXIT.done
}
