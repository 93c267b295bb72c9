import { AbortReason } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import type { Health } from '../../consul/health.ts'
import type { ProbedCheck, RequestedCheck } from './requested-check.ts'

/** How something is, and in which words. */
export interface CheckOutcome {
  readonly status: Health
  readonly output: string
}

/** Looks once. Never rejects, but for the signal. */
export type CheckProbe = (check: ProbedCheck, signal: AbortSignal) => Promise<CheckOutcome>

/** What keeps a check going until it is stopped. */
export interface CheckRunner {
  /** Somebody has told how it is. */
  told(output: string): void
  stop(): void
}

type Report = (result: CheckOutcome) => void

/** Counts the time for which nobody has told (agent/checks/check.go, CheckTTL). */
export function ttlRunner(clock: Clock, ttlMs: number, report: Report): CheckRunner {
  let lastOutput = ''
  const expire = () => {
    const prefix = 'TTL expired'
    const output = lastOutput === '' ? prefix : `${prefix} (last output before timeout follows): ${lastOutput}`
    report({ status: 'critical', output })
  }
  let cancel = clock.after(ttlMs, expire)
  return {
    told(output) {
      lastOutput = output
      cancel()
      cancel = clock.after(ttlMs, expire)
    },
    stop: () => cancel(),
  }
}

const STOPPED = new AbortReason('the check was stopped')

/** Looks at once, and then every interval, counted from one look to the next. */
export function probeRunner(
  clock: Clock,
  { successesToPass, failuresToFail }: RequestedCheck,
  method: ProbedCheck,
  probe: CheckProbe,
  report: Report,
): CheckRunner {
  const stopped = new AbortController()
  let cancel = () => {}
  const row = { status: undefined as Health | undefined, length: 0 }
  const look = async () => {
    const result = await probe(method, stopped.signal).catch(() => undefined)
    if (result === undefined || stopped.signal.aborted) return
    row.length = row.status === result.status ? row.length + 1 : 1
    row.status = result.status
    // agent/checks/check.go, StatusHandler
    if (row.length >= (result.status === 'critical' ? failuresToFail : successesToPass)) report(result)
    cancel = clock.after(method.intervalMs, look)
  }
  cancel = clock.after(0, look)
  return {
    told: () => {},
    stop() {
      stopped.abort(STOPPED)
      cancel()
    },
  }
}
