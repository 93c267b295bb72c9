import type { Context } from '../base/context.ts'
import { transact } from '../consul/txn.ts'
import { type Survey, stepsToRecord } from './facts.ts'
import { failureStep } from './failures.ts'
import type { Site } from './site.ts'
import { tell } from './status-checks.ts'
import { Turn } from './turn.ts'
import { fail, mended, type Passed, passed, UNTESTED } from './upgrade.ts'
import { type Verdict, validate } from './validation.ts'
import { atWork, type Ending, environmentOf } from './works.ts'

/** How far looking after a host may go. */
export interface Care {
  /** Whether the fix commands may run; what changes a host needs its turn, and no pause. */
  readonly mayFix: boolean
  readonly runId: string
}

/**
 * Looks after a host that is to stay what it is: validates it, tells Consul, and has it fixed when it fails or Consul
 * holds one of its checks for failing. Validating alone changes nothing, and needs no slot.
 */
export async function lookAfter(ctx: Context, site: Site, seen: Survey, { mayFix, runId }: Care): Promise<Ending> {
  const version = seen.facts.local
  const verdict = await validateHere(ctx, site, version)
  const ailing = ailment(seen)
  if (verdict.passed && ailing === undefined) return healthy(ctx, site, seen, verdict)
  const trouble = verdict.passed ? `${ailing}` : verdict.why
  const isPaused = seen.facts.pausedBy !== undefined
  if (mayFix && !isPaused && site.file.fix.length > 0) {
    const turn = await Turn.take(ctx, site, runId, ['rollout', 'step', 'fix', version])
    if (turn) {
      return atWork(ctx, site, turn, { version, runId }, async (ctx, work) => {
        const verdict = await mended(ctx, work, trouble)
        if (!verdict.passed) return fail(ctx, work, version, verdict.why, verdict.output)
        await work.write(ctx, stepsToRecord(ctx, site, seen, version, 'validation'))
        await tell(ctx, site, 'validation', 'passing', passed(version, verdict))
        return { kind: 'mended', why: `${site.host} passes its validation again` }
      })
    }
  }
  return verdict.passed ? healthy(ctx, site, seen, verdict) : unhealthy(ctx, site, seen, verdict)
}

async function validateHere(ctx: Context, site: Site, version: string): Promise<Verdict> {
  const { validate: tests, timeouts } = site.file
  if (tests === undefined) return UNTESTED
  return validate(ctx, { tests, timeoutMs: timeouts.validate, environment: environmentOf(site, version) })
}

function ailment({ ailing }: Survey): string | undefined {
  return ailing.length === 0 ? undefined : `Consul holds ${ailing.join(', ')} for failing`
}

async function healthy(ctx: Context, site: Site, seen: Survey, verdict: Passed): Promise<Ending> {
  const version = seen.facts.local
  const steps = stepsToRecord(ctx, site, seen, version, 'validation')
  if (steps.length > 0) await transact(ctx, site.consul, steps)
  await tell(ctx, site, 'upgrade', 'passing', `runs ${version}`)
  await tell(ctx, site, 'validation', 'passing', passed(version, verdict))
  return { kind: 'idle', why: `${site.host} runs ${version}` }
}

async function unhealthy(
  ctx: Context,
  site: Site,
  { facts }: Survey,
  { why, output }: Extract<Verdict, { passed: false }>,
): Promise<Ending> {
  const { consul, keys, host } = site
  const failed = { host, version: facts.local, why }
  const isKnown = facts.failed.some(
    (other) => other.host === host && other.version === facts.local && other.why === why,
  )
  if (!isKnown) await transact(ctx, consul, [failureStep(keys, failed, ctx.clock.now().wallMs)])
  await tell(ctx, site, 'validation', 'warning', `${facts.local}: ${why}\n${output}`.trim())
  return { kind: 'failed', why }
}
