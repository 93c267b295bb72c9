import type { Context } from '../base/context.ts'
import { transact } from '../consul/txn.ts'
import { failureStep } from './failures.ts'
import type { HostRollout } from './host-rollout.ts'
import { type HostView, recordSteps } from './host-view.ts'
import { updateStatusCheck } from './status-checks.ts'
import { fixAndValidate, NO_TESTS, type PassedValidation, passedText, recordFailure } from './upgrade.ts'
import { UpgradePermit } from './upgrade-permit.ts'
import { runTests, type ValidationResult } from './validation.ts'
import { rolloutVariables, type StepEnd, withPermit } from './with-permit.ts'

/** How far looking after a host may go. */
export interface FixPolicy {
  /** Whether the fix commands may run; what changes a host needs a permit, and no pause. */
  readonly mayFix: boolean
  readonly runId: string
}

/**
 * Looks after a host that is to stay what it is: validates it, tells Consul, and has it fixed when it fails or Consul
 * holds one of its checks for failing. Validating alone changes nothing, and needs no slot.
 */
export async function validateAndFix(
  ctx: Context,
  rollout: HostRollout,
  view: HostView,
  { mayFix, runId }: FixPolicy,
): Promise<StepEnd> {
  const version = view.facts.local
  const result = await validateHere(ctx, rollout, version)
  const failingChecks = troubleOf(view)
  if (result.passed && failingChecks === undefined) return healthy(ctx, rollout, view, result)
  const trouble = result.passed ? `${failingChecks}` : result.why
  const isPaused = view.facts.pausedBy !== undefined
  if (mayFix && !isPaused && rollout.file.fix.length > 0) {
    const permit = await UpgradePermit.take(ctx, rollout, view.facts.limits, runId, ['rollout', 'step', 'fix', version])
    if (permit) {
      return withPermit(ctx, rollout, permit, { version, runId }, async (ctx, work) => {
        const result = await fixAndValidate(ctx, work, trouble)
        if (!result.passed) return recordFailure(ctx, work, version, result.why, result.output)
        await work.write(ctx, recordSteps(ctx, rollout, view, version, 'validation'))
        await updateStatusCheck(ctx, rollout, 'validation', 'passing', passedText(version, result))
        return { kind: 'mended', why: `${rollout.host} passes its validation again` }
      })
    }
  }
  return result.passed ? healthy(ctx, rollout, view, result) : unhealthy(ctx, rollout, view, result)
}

async function validateHere(ctx: Context, rollout: HostRollout, version: string): Promise<ValidationResult> {
  const { validate: tests, timeouts } = rollout.file
  if (tests === undefined) return NO_TESTS
  return runTests(ctx, { tests, timeoutMs: timeouts.validate, environment: rolloutVariables(rollout, version) })
}

function troubleOf({ failingChecks }: HostView): string | undefined {
  return failingChecks.length === 0 ? undefined : `Consul holds ${failingChecks.join(', ')} for failing`
}

async function healthy(ctx: Context, rollout: HostRollout, view: HostView, result: PassedValidation): Promise<StepEnd> {
  const version = view.facts.local
  const steps = recordSteps(ctx, rollout, view, version, 'validation')
  if (steps.length > 0) await transact(ctx, rollout.consul, steps)
  await updateStatusCheck(ctx, rollout, 'upgrade', 'passing', `runs ${version}`)
  await updateStatusCheck(ctx, rollout, 'validation', 'passing', passedText(version, result))
  return { kind: 'idle', why: `${rollout.host} runs ${version}` }
}

async function unhealthy(
  ctx: Context,
  rollout: HostRollout,
  { facts }: HostView,
  { why, output }: Extract<ValidationResult, { passed: false }>,
): Promise<StepEnd> {
  const { consul, keys, host } = rollout
  const failed = { host, version: facts.local, why }
  const isKnown = facts.failed.some(
    (other) => other.host === host && other.version === facts.local && other.why === why,
  )
  if (!isKnown) await transact(ctx, consul, [failureStep(keys, failed, ctx.clock.now().wallMs)])
  await updateStatusCheck(ctx, rollout, 'validation', 'warning', `${facts.local}: ${why}\n${output}`.trim())
  return { kind: 'failed', why }
}
