import { Failure } from '../../src/base/failure.ts'
import { knownIn } from '../../src/run/history/known-runs.ts'
import { parseRuns, type RunEntry, type RunsRecord, runsKey } from '../../src/run/history/runs-record.ts'
import type { RunOutcome } from '../../src/run/run-outcome.ts'
import { LOCK_KEY, type SimulatedRunner, type Stage } from './runner.ts'
import type { Incident } from './schedule.ts'

/** No record survives these: it is deleted, set back or written over with the lock's key. */
export const TAMPERING: readonly Incident['kind'][] = ['delete-key', 'force-release', 'restore-snapshot', 'write-over']

/** All that Consul knows of the runs of a story that is over, the newest last. */
export function historyOf({ agent }: Stage): readonly RunEntry[] {
  const record = recordOf(agent)
  if (record === undefined) return []
  const { entry } = { entry: agent.operator.entry(LOCK_KEY) }
  const seen = entry && { ...plain(entry), session: entry.session || undefined, value: text(entry.value) }
  return knownIn(LOCK_KEY, seen, record).ended
}

export function recordOf(agent: Stage['agent']): RunsRecord | undefined {
  const record = parseRuns(text(agent.operator.entry(runsKey(LOCK_KEY))?.value ?? ''))
  return record === 'unreadable' ? undefined : record
}

function plain({
  key,
  flags,
  lockIndex,
  createIndex,
  modifyIndex,
}: NonNullable<ReturnType<Stage['agent']['operator']['entry']>>) {
  return { key, flags, lockIndex, createIndex, modifyIndex }
}

function text(base64: string): string {
  return Buffer.from(base64, 'base64').toString()
}

/**
 * Where history lies: it tells of a run that never was, twice of one, nothing of one that was, or of another end than
 * that which it had.
 */
export function liesIn(stage: Stage, runners: readonly SimulatedRunner[]): string[] {
  const history = historyOf(stage)
  const lies: string[] = []
  for (const runner of runners) {
    const told = history.filter(({ runId }) => runId === runner.name)
    const [entry] = told
    if (told.length > 1) lies.push(`${runner.name} is told of ${told.length} times`)
    if (!entry) {
      if (runner.began) lies.push(`nothing is told of ${runner.name}, which ran`)
    } else {
      const lie = lieAbout(entry, runner)
      if (lie) lies.push(`${runner.name} is told of as ${JSON.stringify(entry)}: ${lie}`)
    }
  }
  const fences = history.flatMap(({ fence }) => fence ?? [])
  if (fences.some((fence, at) => at > 0 && fence <= (fences[at - 1] as number))) lies.push('fences are out of order')
  return lies
}

function lieAbout(entry: RunEntry, { began, outcome, commandEnd }: SimulatedRunner): string | undefined {
  const { code, signal, killed } = entry
  if (!began && (code !== undefined || killed)) return 'it never ran'
  if (code !== undefined && (commandEnd === undefined || !('code' in commandEnd) || commandEnd.code !== code)) {
    return `it ended with ${JSON.stringify(commandEnd)}`
  }
  if (signal !== undefined && (commandEnd === undefined || !('signal' in commandEnd) || commandEnd.signal !== signal)) {
    return `it ended with ${JSON.stringify(commandEnd)}`
  }
  if (killed && outcome !== undefined && !(outcome instanceof Failure) && isWhole(outcome))
    return 'it ended as it should'
  return undefined
}

function isWhole({ kind }: RunOutcome): boolean {
  return kind === 'busy' || kind === 'skipped' || kind === 'unready'
}
