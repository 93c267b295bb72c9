import { withTimeout } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'
import { breaks, breaksBy, type Diagnosis } from './diagnosis.ts'
import type { ExaminedSystem } from './examined-system.ts'
import type { Code, Inspection, Result } from './inspection.ts'

/** An inspection may take so long: longer than an agent holds a request while there is no leader. */
const INSPECTION_MS = 12_000
/** After that nothing more is begun. */
const ALL_MS = 25_000
/** So many ask Consul at once. */
const ASKING = 2

/**
 * Looks at all of this, as much as possible at once; what needs something that failed is not tried. Settles with a
 * result for each inspection, in their order, within half a minute. Rejects only with the signal's reason, or for a
 * bug.
 */
export async function examine(
  ctx: Context,
  inspections: readonly Inspection[],
  system: ExaminedSystem,
): Promise<Result[]> {
  const startedAt = ctx.clock.now()
  const asking = new ConcurrencyLimit(ASKING)
  const results = new Map<Code, Promise<Result>>()
  const begin = (inspection: Inspection): Promise<Result> => {
    const known = results.get(inspection.code)
    if (known) return known
    const result = resultOf(inspection)
    results.set(inspection.code, result)
    return result
  }
  const resultOf = async (inspection: Inspection): Promise<Result> => {
    const needed = inspections.filter(({ code }) => inspection.needs.includes(code)).map(begin)
    for (const need of await Promise.all(needed)) {
      if (need.mark === 'failure') return untried(inspection, need.inspection.code)
      if (need.mark === 'untried') return { ...need, inspection }
    }
    const look = () => lookAt(ctx, inspection, system, ctx.clock.since(startedAt))
    return { inspection, ...(inspection.asksConsul ? await asking.take(look) : await look()) }
  }
  return Promise.all(inspections.map(begin))
}

function untried(inspection: Inspection, code: Code): Result {
  return { inspection, mark: 'untried', said: `not tried: ${code} failed` }
}

async function lookAt(
  ctx: Context,
  inspection: Inspection,
  system: ExaminedSystem,
  elapsedMs: number,
): Promise<Diagnosis> {
  if (elapsedMs > ALL_MS) return breaks(`no time was left for it after ${formatDuration(elapsedMs)}`)
  const late = () => new Failure('timed-out', `it could not be told within ${formatDuration(INSPECTION_MS)}`)
  try {
    return await withTimeout(ctx, INSPECTION_MS, late, async (ctx) => inspection.look(ctx, system))
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (thrown instanceof Failure) return breaksBy(thrown)
    throw thrown
  }
}
