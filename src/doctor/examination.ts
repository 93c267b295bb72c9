import { withTimeout } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import type { Check, Code, Result } from './check.ts'
import { broken, brokenBy, type Finding } from './finding.ts'
import { Lanes } from './lanes.ts'
import type { Patient } from './patient.ts'

/** A check may take so long: longer than an agent holds a request while there is no leader. */
const CHECK_MS = 8000
/** After that nothing more is begun. */
const ALL_MS = 25_000
/** So many ask Consul at once. */
const ASKING = 2

/**
 * Looks at all of this, as much as possible at once; what needs something that failed is not tried. Settles with a
 * result for each check, in their order, within half a minute. Rejects only with the signal's reason, or for a bug.
 */
export async function examine(ctx: Context, checks: readonly Check[], patient: Patient): Promise<Result[]> {
  const startedAt = ctx.clock.now()
  const lanes = new Lanes(ASKING)
  const results = new Map<Code, Promise<Result>>()
  const begin = (check: Check): Promise<Result> => {
    const known = results.get(check.code)
    if (known) return known
    const result = resultOf(check)
    results.set(check.code, result)
    return result
  }
  const resultOf = async (check: Check): Promise<Result> => {
    const needed = checks.filter(({ code }) => check.needs.includes(code)).map(begin)
    for (const need of await Promise.all(needed)) {
      if (need.mark === 'failure') return untried(check, need.check.code)
      if (need.mark === 'untried') return { ...need, check }
    }
    const look = () => lookAt(ctx, check, patient, ctx.clock.since(startedAt))
    return { check, ...(check.asksConsul ? await lanes.take(look) : await look()) }
  }
  return Promise.all(checks.map(begin))
}

function untried(check: Check, code: Code): Result {
  return { check, mark: 'untried', said: `not tried: ${code} failed` }
}

async function lookAt(ctx: Context, check: Check, patient: Patient, elapsedMs: number): Promise<Finding> {
  if (elapsedMs > ALL_MS) return broken(`no time was left for it after ${formatDuration(elapsedMs)}`)
  const late = () => new Failure('timed-out', `it could not be told within ${formatDuration(CHECK_MS)}`)
  try {
    return await withTimeout(ctx, CHECK_MS, late, async (ctx) => check.look(ctx, patient))
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (thrown instanceof Failure) return brokenBy(thrown)
    throw thrown
  }
}
