import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { failureStep } from './failures.ts'
import { type HostView, recordSteps } from './host-view.ts'
import { updateStatusCheck } from './status-checks.ts'
import { isBackFromReboot, newUpgradeRecord, upgradeRecordStep } from './upgrade-record.ts'
import type { ValidationResult } from './validation.ts'
import type { PermittedWork, StepEnd } from './with-permit.ts'

/** A validation that is passed. */
export type PassedValidation = Extract<ValidationResult, { passed: true }>

/** That of a host whose file names no tests. */
export const NO_TESTS: ValidationResult = { passed: true, tests: 0, skipped: [] }

/**
 * Upgrades this host: upgrade commands, validation; when that fails the fix commands, and validation again. Only then
 * the version is recorded, on the disk first. Until it is, a mark on the disk has the next step do it all again, and a
 * record at Consul tells everybody, should there be no next step. Every part may be repeated, so it doesn't matter
 * where we are killed. A host that is to reboot keeps its slots, and goes on with the validation when it is back.
 */
export async function upgradeHost(
  ctx: Context,
  work: PermittedWork,
  view: HostView,
  version: string,
): Promise<StepEnd> {
  const { rollout, runner } = work
  const { file, local } = rollout
  const begun = view.records.inProgress.get(rollout.host)
  if (begun?.version === version && isBackFromReboot(begun)) {
    ctx.log.notice(`${rollout.host} is back from its reboot`)
    // Nobody waits for it any more: what ends now, and not well, has failed.
    await work.write(ctx, [upgradeRecordStep(rollout.keys, { ...begun, version, backByMs: ctx.clock.now().wallMs })])
    return finish(ctx, work, view, version)
  }
  const from = view.facts.local === '' ? '' : ` from ${view.facts.local}`
  const again = view.facts.interrupted === version ? ', once more, for it was interrupted or failed' : ''
  ctx.log.notice(`upgrading ${rollout.host}${from} to ${version}${again}`)
  local.begin(version)
  const upgrade = newUpgradeRecord(rollout.host, version, ctx.clock.now().wallMs)
  await work.write(ctx, [upgradeRecordStep(rollout.keys, upgrade)])
  const { trouble, wantsReboot } = await runner.run(ctx, file.upgrade, file.timeouts.upgrade)
  if (trouble !== undefined) {
    await updateStatusCheck(ctx, rollout, 'upgrade', 'warning', `the upgrade to ${version} failed: ${trouble}`)
    return recordFailure(ctx, work, version, trouble, '')
  }
  await updateStatusCheck(ctx, rollout, 'upgrade', 'passing', `upgraded to ${version}`)
  if (wantsReboot || file.reboot.always) {
    const backByMs = ctx.clock.now().wallMs + file.reboot.within
    await work.writeAndKeep(ctx, [upgradeRecordStep(rollout.keys, { ...upgrade, backByMs })])
    return { kind: 'rebooting', why: `${rollout.host} reboots for ${version}`, backByMs }
  }
  return finish(ctx, work, view, version)
}

/** Validates, and records the version. */
async function finish(ctx: Context, work: PermittedWork, view: HostView, version: string): Promise<StepEnd> {
  const { rollout } = work
  const { local } = rollout
  const result = await validateOrFix(ctx, work)
  if (!result.passed) return recordFailure(ctx, work, version, result.why, result.output)
  const unwritten = writeTrouble(() => local.write(version))
  if (unwritten !== undefined) return recordFailure(ctx, work, version, unwritten, '')
  await work.write(ctx, recordSteps(ctx, rollout, view, version, 'upgrade'))
  local.end()
  await updateStatusCheck(ctx, rollout, 'validation', 'passing', passedText(version, result))
  return { kind: 'upgraded', why: `${rollout.host} runs ${version}` }
}

/** Why something could not be written; a full disk must stop the rollout as any failure does. */
function writeTrouble(write: () => void): string | undefined {
  try {
    write()
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return thrown.message
  }
}

/** Validates, and once more after the fix commands when that fails. */
async function validateOrFix(ctx: Context, work: PermittedWork): Promise<ValidationResult> {
  const first = await validateOnce(ctx, work)
  return first.passed || work.rollout.file.fix.length === 0 ? first : fixAndValidate(ctx, work, first.why)
}

/** Runs the fix commands, and validates. */
export async function fixAndValidate(ctx: Context, work: PermittedWork, why: string): Promise<ValidationResult> {
  const { fix, timeouts } = work.rollout.file
  ctx.log.warn(`${why}; running the fix commands`)
  const { trouble } = await work.runner.run(ctx, fix, timeouts.fix)
  if (trouble !== undefined) return { passed: false, why: `${why}; and the fix: ${trouble}`, output: '' }
  return validateOnce(ctx, work)
}

async function validateOnce(ctx: Context, { rollout, runner }: PermittedWork): Promise<ValidationResult> {
  const { validate: tests, timeouts } = rollout.file
  if (tests === undefined) return NO_TESTS
  return runner.validate(ctx, { tests, timeoutMs: timeouts.validate })
}

/** Tells everybody before the slots are given back: whoever gets them next must know. */
export async function recordFailure(
  ctx: Context,
  work: PermittedWork,
  version: string,
  why: string,
  output: string,
): Promise<StepEnd> {
  const { rollout } = work
  await work.write(ctx, [failureStep(rollout.keys, { host: rollout.host, version, why }, ctx.clock.now().wallMs)])
  await updateStatusCheck(ctx, rollout, 'validation', 'warning', `${version}: ${why}\n${output}`.trim())
  return { kind: 'failed', why }
}

/** The same words every time: Consul spreads a check's new words, but not the same ones. */
export function passedText(version: string, { tests, skipped }: PassedValidation): string {
  const not = skipped.length === 0 ? '' : `; not run: ${skipped.join(', ')}`
  if (tests === 0) return `${version}: there are no tests${not}`
  return `${version}: ${tests === 1 ? '1 test' : `${tests} tests`} passed${not}`
}
