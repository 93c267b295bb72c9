import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { Loss } from '../../../src/lock/loss.ts'
import { metricsTo } from '../../../src/run/metrics-file.ts'
import type { RunOutcome, RunResult } from '../../../src/run/run-outcome.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const END = 'consul_locker_run_last_end_timestamp_seconds'
const SUCCESS = 'consul_locker_run_last_success_timestamp_seconds'
const LARGEST = 64 * 1024

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'metrics-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

const codeOf = (end: RunResult | Failure) => (end instanceof Failure || end.outcome.kind !== 'ran' ? 5 : 0)

function observer(file: string, nowS = 1_800_000_000) {
  const warnings: string[] = []
  const log = { ...SILENT, warn: (line: string) => void warnings.push(line) }
  const ctx = { clock: new VirtualClock(nowS * 1000), log, signal: new AbortController().signal, random: () => 0 }
  const { finished = () => {} } = metricsTo(ctx, { file, name: 'backup', codeOf })
  return { warnings, finished }
}

const ended = (outcome: RunOutcome): RunResult => ({ outcome, fence: 7, waitedMs: 1500, ranMs: 2500 })
const SUCCEEDED = ended({ kind: 'ran', status: { code: 0 } })
const LOST = ended({ kind: 'lost', loss: new Loss('key-taken', 'somebody else holds the key') })

/** The values that a file has, by the metrics' names. */
function metricsIn(file: string): Record<string, number> {
  const lines = readFileSync(file, 'utf8').split('\n')
  const values = lines.filter((line) => line.includes('{name="backup"} ')).map((line) => line.split('{name="backup"} '))
  return Object.fromEntries(values.map(([name, value]) => [name, Number(value)]))
}

describe('the metrics of a run', () => {
  test('tell when it ended, how, and how long it took', () => {
    const file = join(folder(), 'backup.prom')
    observer(file).finished(SUCCEEDED)
    expect(metricsIn(file)).toEqual({
      [END]: 1_800_000_000,
      [SUCCESS]: 1_800_000_000,
      consul_locker_run_last_exit_code: 0,
      consul_locker_run_last_lost: 0,
      consul_locker_run_last_wait_seconds: 1.5,
      consul_locker_run_last_duration_seconds: 2.5,
    })
    expect(readFileSync(file, 'utf8')).toContain(`# TYPE ${END} gauge\n`)
    expect(statSync(file).mode & 0o777).toBe(0o644)
  })

  test('tell of a loss, and keep the last success', () => {
    const file = join(folder(), 'backup.prom')
    observer(file, 1_800_000_000).finished(SUCCEEDED)
    observer(file, 1_800_000_060).finished(LOST)
    expect(metricsIn(file)).toMatchObject({
      [END]: 1_800_000_060,
      [SUCCESS]: 1_800_000_000,
      consul_locker_run_last_exit_code: 5,
      consul_locker_run_last_lost: 1,
    })
    observer(file, 1_800_000_120).finished(SUCCEEDED)
    expect(metricsIn(file)[SUCCESS]).toBe(1_800_000_120)
  })

  test('of a failure have no times that nobody knows', () => {
    const file = join(folder(), 'backup.prom')
    observer(file).finished(new Failure('unreachable', 'Consul does not answer'))
    expect(metricsIn(file)).toEqual({
      [END]: 1_800_000_000,
      consul_locker_run_last_exit_code: 5,
      consul_locker_run_last_lost: 0,
    })
  })

  test('have no duration of a command that did not start', () => {
    const file = join(folder(), 'backup.prom')
    observer(file).finished({ outcome: { kind: 'unprepared', why: 'the hook failed' }, fence: 7, waitedMs: 0 })
    expect(metricsIn(file)).toMatchObject({ consul_locker_run_last_wait_seconds: 0 })
    expect(metricsIn(file)).not.toHaveProperty('consul_locker_run_last_duration_seconds')
  })

  test('stay those of the run before when it never had the lock', () => {
    const file = join(folder(), 'backup.prom')
    const { finished, warnings } = observer(file)
    finished(SUCCEEDED)
    const before = readFileSync(file, 'utf8')
    finished({ outcome: { kind: 'busy' }, waitedMs: 99 })
    expect(readFileSync(file, 'utf8')).toBe(before)
    expect(warnings).toEqual([])
  })

  test.each(['soon', '', '0', '-1', 'Infinity', 'NaN', '1e999'])('take %j for no time of a success', (text) => {
    const file = join(folder(), 'backup.prom')
    observer(file).finished(SUCCEEDED)
    const found = readFileSync(file, 'utf8').replace(/(last_success\w+\{name="backup"\}) .*/, `$1 ${text}`)
    writeFileSync(file, found)
    observer(file).finished(LOST)
    expect(metricsIn(file)).not.toHaveProperty(SUCCESS)
  })

  test('that could not be written cost a warning', () => {
    const dir = join(folder(), 'soon-gone')
    mkdirSync(dir)
    const { finished, warnings } = observer(join(dir, 'backup.prom'))
    rmSync(dir, { recursive: true })
    finished(SUCCEEDED)
    expect(warnings).toEqual([
      expect.stringMatching(/^the metrics \S+\/backup[.]prom could not be written: no such file or directory$/),
    ])
  })
})

describe('a file for metrics', () => {
  /** A file that is there already. */
  const holding = (text: string) => {
    const file = join(folder(), 'backup.prom')
    writeFileSync(file, text)
    return file
  }
  const ours = () => {
    const file = join(folder(), 'backup.prom')
    observer(file).finished(SUCCEEDED)
    return readFileSync(file, 'utf8')
  }
  const refused = (why: RegExp, hint = expect.any(String)) =>
    expect.objectContaining({ code: 'usage', message: expect.stringMatching(why), hint })

  test.each<[string, () => string, RegExp]>([
    ['of another ending', () => join(folder(), 'backup.prom.txt'), /--textfile .*\.txt doesn't end in \.prom$/],
    ['in a folder that is not there', () => join(folder(), 'absent', 'a.prom'), /can't be written: .*no such file/i],
    ['in a folder that takes none', () => '/proc/backup.prom', /can't be written: /],
    ['of somebody else', () => holding('node_load1 0.5\n'), /is no file of ours$/],
    ['that mentions us further down', () => holding(`# a\n${ours()}`), /is no file of ours$/],
    ['of another lock', () => holding(ours().replaceAll('backup', 'other')), /has the metrics of another lock$/],
    ['that is larger than ours can be', () => holding(ours().padEnd(LARGEST + 1)), /is no file of ours$/],
  ])('%s is refused', (_, make, why) => {
    const file = make()
    expect(() => observer(file)).toThrow(refused(why))
  })

  test.each<[string, () => string]>([
    ['that is not there yet', () => join(folder(), 'backup.prom')],
    ['that is empty', () => holding('')],
    ['that has empty lines alone', () => holding('\n \n')],
    ['of this lock', () => holding(ours())],
    ['as large as any of ours', () => holding(ours().padEnd(LARGEST))],
  ])('%s is taken', (_, make) => {
    const file = make()
    observer(file).finished(SUCCEEDED)
    expect(metricsIn(file)).toHaveProperty(END)
  })
})
