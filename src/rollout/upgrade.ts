import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { type Survey, stepsToRecord } from './facts.ts'
import { failureStep } from './failures.ts'
import { beginning, inProgressStep, isBack } from './in-progress.ts'
import { tell } from './status-checks.ts'
import type { Verdict } from './validation.ts'
import type { Ending, Work } from './works.ts'

/** A validation that is passed. */
export type Passed = Extract<Verdict, { passed: true }>

/** That of a host whose file names no tests. */
export const UNTESTED: Verdict = { passed: true, tests: 0, skipped: [] }

/**
 * Upgrades this host: upgrade commands, validation; when that fails the fix commands, and validation again. Only then
 * the version is recorded, on the disk first. Until it is, a mark on the disk has the next step do it all again, and a
 * record at Consul tells everybody, should there be no next step. Every part may be repeated, so it doesn't matter where
 * we are killed. A host that is to reboot keeps its slots, and goes on with the validation when it is back.
 */
export async function upgrade(ctx: Context, work: Work, seen: Survey, version: string): Promise<Ending> {
  const { site, workshop } = work
  const { file, local } = site
  const begun = seen.ledger.inProgress.get(site.host)
  if (begun?.version === version && isBack(begun)) {
    ctx.log.notice(`${site.host} is back from its reboot`)
    // Nobody waits for it any more: what ends now, and not well, has failed.
    await work.write(ctx, [inProgressStep(site.keys, { ...begun, version, backByMs: ctx.clock.now().wallMs })])
    return finish(ctx, work, seen, version)
  }
  const from = seen.facts.local === '' ? '' : ` from ${seen.facts.local}`
  const again = seen.facts.interrupted === version ? ', once more, for it was interrupted or failed' : ''
  ctx.log.notice(`upgrading ${site.host}${from} to ${version}${again}`)
  local.begin(version)
  const upgrade = beginning(site.host, version, ctx.clock.now().wallMs)
  await work.write(ctx, [inProgressStep(site.keys, upgrade)])
  const { trouble, wantsReboot } = await workshop.run(ctx, file.upgrade, file.timeouts.upgrade)
  if (trouble !== undefined) {
    await tell(ctx, site, 'upgrade', 'warning', `the upgrade to ${version} failed: ${trouble}`)
    return fail(ctx, work, version, trouble, '')
  }
  await tell(ctx, site, 'upgrade', 'passing', `upgraded to ${version}`)
  if (wantsReboot || file.reboot.always) {
    const backByMs = ctx.clock.now().wallMs + file.reboot.within
    await work.writeAndKeep(ctx, [inProgressStep(site.keys, { ...upgrade, backByMs })])
    return { kind: 'rebooting', why: `${site.host} reboots for ${version}`, backByMs }
  }
  return finish(ctx, work, seen, version)
}

/** Validates, and records the version. */
async function finish(ctx: Context, work: Work, seen: Survey, version: string): Promise<Ending> {
  const { site } = work
  const { local } = site
  const verdict = await validated(ctx, work)
  if (!verdict.passed) return fail(ctx, work, version, verdict.why, verdict.output)
  const unwritten = written(() => local.write(version))
  if (unwritten !== undefined) return fail(ctx, work, version, unwritten, '')
  await work.write(ctx, stepsToRecord(ctx, site, seen, version, 'upgrade'))
  local.end()
  await tell(ctx, site, 'validation', 'passing', passed(version, verdict))
  return { kind: 'upgraded', why: `${site.host} runs ${version}` }
}

/** Why something could not be written; a full disk must stop the rollout as any failure does. */
function written(write: () => void): string | undefined {
  try {
    write()
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return thrown.message
  }
}

/** Validates, and once more after the fix commands when that fails. */
export async function validated(ctx: Context, work: Work): Promise<Verdict> {
  const first = await validateOnce(ctx, work)
  return first.passed || work.site.file.fix.length === 0 ? first : mended(ctx, work, first.why)
}

/** Runs the fix commands, and validates. */
export async function mended(ctx: Context, work: Work, why: string): Promise<Verdict> {
  const { fix, timeouts } = work.site.file
  ctx.log.warn(`${why}; running the fix commands`)
  const { trouble } = await work.workshop.run(ctx, fix, timeouts.fix)
  if (trouble !== undefined) return { passed: false, why: `${why}; and the fix: ${trouble}`, output: '' }
  return validateOnce(ctx, work)
}

async function validateOnce(ctx: Context, { site, workshop }: Work): Promise<Verdict> {
  const { validate: tests, timeouts } = site.file
  if (tests === undefined) return UNTESTED
  return workshop.validate(ctx, { tests, timeoutMs: timeouts.validate })
}

/** Tells everybody before the slots are given back: who gets them next must know. */
export async function fail(ctx: Context, work: Work, version: string, why: string, output: string): Promise<Ending> {
  const { site } = work
  await work.write(ctx, [failureStep(site.keys, { host: site.host, version, why }, ctx.clock.now().wallMs)])
  await tell(ctx, site, 'validation', 'warning', `${version}: ${why}\n${output}`.trim())
  return { kind: 'failed', why }
}

/** The same words every time: Consul spreads a check's new words, but not the same ones. */
export function passed(version: string, { tests, skipped }: Passed): string {
  const not = skipped.length === 0 ? '' : `; not run: ${skipped.join(', ')}`
  if (tests === 0) return `${version}: there are no tests${not}`
  return `${version}: ${tests === 1 ? '1 test' : `${tests} tests`} passed${not}`
}
