/** One run under a lock, as its history tells of it. Instants are those of the machine that it ran on. */
export interface RunEntry {
  readonly runId: string
  readonly host: string
  readonly user: string
  /** The program; with its arguments if they were to be recorded. */
  readonly command: string
  /** When it got the lock, as an ISO date. */
  readonly start: string
  /** From then to the command's end. */
  readonly ranMs?: number
  /** From the runner's start until it had the lock. */
  readonly waitedMs?: number
  readonly fence?: number
  /** How the command ended: with this code, or by this signal. */
  readonly code?: number
  readonly signal?: string
  /** It succeeded, but what `--release-when` waits for didn't come about. */
  readonly unsettled?: true
  /** It had run for as long as it may, and was ended. */
  readonly timedOut?: true
  /** How the lock left the run; `unknown` when whoever came next found that it was never given back. */
  readonly lost?: string
  /** The runner was killed, and its guardian ended the command. */
  readonly killed?: true
}

/** What stands in Consul of the runs under one lock. */
export interface RunsRecord {
  /** The last of them; the newest is at the end. */
  readonly runs: readonly RunEntry[]
  /** The last success, and the last failure, when they are older than those. */
  readonly success?: RunEntry
  readonly failure?: RunEntry
  readonly period?: PeriodRuns
}

/**
 * Of the runs that come once in a period: the last one, whether it has ended or not, and the last success before it.
 */
export interface PeriodRuns {
  readonly last?: RunEntry
  readonly success?: RunEntry
}

const NO_RUNS: RunsRecord = { runs: [] }

const MOST_RUNS = 20
/** Every run's release writes all of it to raft's log. */
const MOST_BYTES = 8192
/** Nobody reads on: no value of ours is as long. In characters. */
export const LONGEST_HISTORY = 65_536

/** The key beside a lock's key where its runs stand; no lock's name has an equals sign in it. */
export function runsKey(lockKey: string): string {
  return `${lockKey}=runs`
}

/** A command that ended with 0 and in time, under a lock that was its to the end, and nothing left to wait for. */
export function isSuccess({ code, lost, unsettled, timedOut }: RunEntry): boolean {
  return code === 0 && lost === undefined && unsettled === undefined && timedOut === undefined
}

/** Whether anything is known of how it ended. */
export function hasEnded({ code, signal, lost, timedOut, killed }: RunEntry): boolean {
  return [code, signal, lost, timedOut, killed].some((told) => told !== undefined)
}

export function lastSuccess({ runs, success }: RunsRecord): RunEntry | undefined {
  return runs.findLast(isSuccess) ?? success
}

export function lastFailure({ runs, failure }: RunsRecord): RunEntry | undefined {
  return runs.findLast((run) => !isSuccess(run)) ?? failure
}

/** The last run in a period that succeeded. */
export function periodSuccess({ last, success }: PeriodRuns): RunEntry | undefined {
  return last && isSuccess(last) ? last : success
}

/** What counts for a period once this run has begun. */
export function withPeriodStart(period: PeriodRuns | undefined, run: RunEntry): PeriodRuns {
  const success = period && periodSuccess(period)
  return { last: run, ...(success && { success }) }
}

/** The record with these runs at its end, and without the oldest when there are too many. */
export function withRuns(record: RunsRecord, added: readonly RunEntry[]): RunsRecord {
  const ids = new Set(added.map(({ runId }) => runId))
  const runs = [...record.runs.filter(({ runId }) => !ids.has(runId)), ...added]
  const period = record.period && added.reduce(withPeriodEnd, record.period)
  let next: RunsRecord = { ...record, runs, ...(period && { period }) }
  while (next.runs.length > MOST_RUNS || (next.runs.length > 1 && encodeRuns(next).length > MOST_BYTES)) {
    const [oldest, ...others] = next.runs as [RunEntry, ...RunEntry[]]
    next = { ...next, runs: others, ...(isSuccess(oldest) ? { success: oldest } : { failure: oldest }) }
  }
  return next
}

function withPeriodEnd(period: PeriodRuns, run: RunEntry): PeriodRuns {
  if (period.last?.runId !== run.runId) return period
  return isSuccess(run) ? { last: run } : { ...period, last: run }
}

/** As the key's value. */
export function encodeRuns(record: RunsRecord): string {
  return JSON.stringify(record)
}

/** What a key's value tells; `unreadable` when anything in it isn't as we write it. An empty value tells of no runs. */
export function parseRuns(value: string): RunsRecord | 'unreadable' {
  if (value === '') return NO_RUNS
  if (value.length > LONGEST_HISTORY) return 'unreadable'
  try {
    const { runs, success, failure, period } = JSON.parse(value) as Record<string, unknown>
    if (!Array.isArray(runs)) return 'unreadable'
    return {
      runs: runs.map(judgedRun),
      ...(success !== undefined && { success: judgedRun(success) }),
      ...(failure !== undefined && { failure: judgedRun(failure) }),
      ...(period !== undefined && { period: periodIn(period) }),
    }
  } catch {
    return 'unreadable'
  }
}

function periodIn(json: unknown): PeriodRuns {
  if (typeof json !== 'object') throw new Error('no runs of a period')
  const { last, success } = json as Record<string, unknown>
  return {
    ...(last !== undefined && { last: judgedRun(last) }),
    ...(success !== undefined && { success: judgedRun(success) }),
  }
}

const isText = (field: unknown) => typeof field === 'string' && field !== '' && field.length <= 255
const isCount = (field: unknown) => Number.isSafeInteger(field) && Number(field) >= 0
const isTrue = (field: unknown) => field === true
const isDate = (field: unknown) => typeof field === 'string' && field.length < 40 && !Number.isNaN(Date.parse(field))

/** Checks by hand, for these are on the way of every run: loading valibot would take longer than reading the record. */
const NEEDED: Record<string, (field: unknown) => boolean> = {
  runId: isText,
  host: isText,
  user: isText,
  command: isText,
  start: isDate,
}
const POSSIBLE: Record<string, (field: unknown) => boolean> = {
  ranMs: isCount,
  waitedMs: isCount,
  fence: isCount,
  code: isCount,
  signal: isText,
  unsettled: isTrue,
  timedOut: isTrue,
  lost: isText,
  killed: isTrue,
}

/** The entry of a run in JSON that was parsed. Throws when it is none. */
export function judgedRun(json: unknown): RunEntry {
  const fields = json as Record<string, unknown>
  const known: Record<string, unknown> = {}
  for (const [name, isFine] of Object.entries(NEEDED)) {
    if (!isFine(fields[name])) throw new Error(`no ${name} of a run`)
    known[name] = fields[name]
  }
  for (const [name, isFine] of Object.entries(POSSIBLE)) {
    if (fields[name] === undefined) continue
    if (!isFine(fields[name])) throw new Error(`a strange ${name} of a run`)
    known[name] = fields[name]
  }
  return known as unknown as RunEntry
}
