import { Failure } from '../../base/failure.ts'
import { oneLine } from '../../base/printable.ts'
import { readKey } from '../../consul/kv.ts'
import { ago, describeEnd } from '../../run/history/describe-run.ts'
import { dueAt, type Period } from '../../run/history/period.ts'
import { parseRuns, type RunEntry, type RunsRecord, runsKey } from '../../run/history/runs-record.ts'
import { breaks, breaksBy, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { plainKeyOf } from './lock-answers.ts'

/** It is time to run again. */
export const periodInspection: Inspection = {
  code: 'CL607',
  topic: 'The lock',
  title: 'period',
  needs: ['CL402', 'CL404'],
  asksConsul: true,
  async look(ctx, { consul, lock }) {
    const key = runsKey(plainKeyOf(lock))
    const read = () => readKey(ctx, consul, key, { consistent: true, rights: 'read' })
    const { entry } = await (lock.period ? read() : read().catch(unlessRefused))
    const record = parseRuns(entry?.value ?? '')
    if (record !== 'unreadable') return judgePeriod(lock.period, record, ctx.clock.now().wallMs)
    const unreadable = new Failure('malformed', `what stands at ${key} is no record of runs`, {
      hint: `if nobody needs it: consul kv delete ${key}`,
    })
    return lock.period ? breaksBy(unreadable) : warning(unreadable.message, unreadable.hint)
  },
}

/** CL404 has told of it, and only a run with a period minds. */
function unlessRefused(thrown: unknown): { entry: undefined } {
  if (thrown instanceof Failure && thrown.code === 'refused') return { entry: undefined }
  throw thrown
}

export function judgePeriod(period: Period | undefined, { period: runs }: RunsRecord, nowMs: number): Diagnosis {
  if (!period) {
    const last = runs?.last
    if (!last) return fine('no run of it is known to have a period')
    return fine(`its last run with a period ${started(last, nowMs)}; give that period to be told whether one is due`)
  }
  const due = dueAt(period, runs, '', nowMs)
  if (due.kind === 'due') return fine('a run is due')
  if (due.kind === 'ahead') {
    return breaks(
      `its last run ${started(due.run, nowMs)}, by a clock that is ahead of ours: a clock is wrong`,
      'set it right; a run with a period refuses to start until then',
    )
  }
  return warning(
    `no run is due: the last one ${started(due.run, nowMs)}; ${due.why}`,
    'a run would be skipped (exit 0)',
  )
}

function started(run: RunEntry, nowMs: number): string {
  return `started ${ago(Date.parse(run.start), nowMs)} on ${oneLine(run.host, 40)} (${describeEnd(run)})`
}
