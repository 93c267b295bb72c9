import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { Failure } from '../../../src/base/failure.ts'
import { Loss } from '../../../src/lock/loss.ts'
import type { RunOutcome, RunResult } from '../../../src/run/run-outcome.ts'
import { reportTo } from '../../../src/run/run-report.ts'
import type { RunSpec } from '../../../src/run/run-spec.ts'
import { SILENT } from '../../virtual/silent-log.ts'

const SPEC = {
  lock: { name: 'backup', key: 'consul-locker-backup' },
  runId: 'one',
  recorded: ['./backup'],
  command: ['./backup', 'secret'],
} as unknown as RunSpec
const ABOUT = { name: 'backup', key: 'consul-locker-backup', runId: 'one', command: ['./backup'] }
const MEASURED = { fence: 7, waitedMs: 20, ranMs: 300 }

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'report-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}

function reporter(file: string) {
  const warnings: string[] = []
  const log = { ...SILENT, warn: (line: string) => void warnings.push(line) }
  const ctx = { clock: systemClock, log, signal: new AbortController().signal, random: () => 0 }
  return { warnings, observer: reportTo(ctx, file, SPEC) }
}

function reported(end: RunResult | Failure): unknown {
  const file = join(folder(), 'report.json')
  reporter(file).observer.finished?.(end)
  return JSON.parse(readFileSync(file, 'utf8'))
}

const LOSS = new Loss('key-taken', 'somebody else holds the key')

describe('a report tells', () => {
  test.each<[RunOutcome, object]>([
    [
      { kind: 'ran', status: { code: 6 } },
      { outcome: 'ran', childExit: 6, code: 6 },
    ],
    [
      { kind: 'ran', status: { signal: 'SIGKILL' } },
      { outcome: 'ran', childExit: 137, signal: 'SIGKILL' },
    ],
    [{ kind: 'busy' }, { outcome: 'busy' }],
    [{ kind: 'skipped' }, { outcome: 'skipped' }],
    [
      { kind: 'unready', missing: ['tcp:5432'] },
      { outcome: 'unready', missing: ['tcp:5432'] },
    ],
    [
      { kind: 'unprepared', why: 'the hook failed' },
      { outcome: 'unprepared', message: 'the hook failed' },
    ],
    [
      { kind: 'interrupted', signal: 'SIGINT' },
      { outcome: 'interrupted', signal: 'SIGINT' },
    ],
    [
      { kind: 'lost', loss: LOSS },
      { outcome: 'lost', loss: 'key-taken', message: LOSS.sentence },
    ],
    [
      { kind: 'lost', loss: LOSS, status: { signal: 'SIGTERM' } },
      { outcome: 'lost', loss: 'key-taken', message: LOSS.sentence, childExit: 143 },
    ],
    [{ kind: 'timed-out' }, { outcome: 'timed-out' }],
    [
      { kind: 'timed-out', status: { code: 0 } },
      { outcome: 'timed-out', childExit: 0 },
    ],
    [
      { kind: 'unsettled', status: { code: 0 }, missing: ['tcp:80'] },
      { outcome: 'unsettled', missing: ['tcp:80'], childExit: 0 },
    ],
  ])('of %j as %j', (outcome, told) => {
    expect(reported({ outcome, ...MEASURED })).toEqual({ ...ABOUT, ...MEASURED, ...told })
  })

  test('a failure by its code and its sentence', () => {
    expect(reported(new Failure('unreachable', 'Consul does not answer', { hint: 'is it there?' }))).toEqual({
      ...ABOUT,
      outcome: 'unreachable',
      message: 'Consul does not answer',
    })
  })
})

describe('a report that can’t be written', () => {
  test('is refused before the run', () => {
    const file = join(folder(), 'absent', 'report.json')
    expect(() => reporter(file)).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(`the report file ${file}`),
        hint: expect.stringMatching(/^name a file in a directory that is there/),
      }),
    )
  })

  test('costs a warning after it', () => {
    const dir = join(folder(), 'soon-gone')
    mkdirSync(dir)
    const { warnings, observer } = reporter(join(dir, 'report.json'))
    rmSync(dir, { recursive: true })
    observer.finished?.({ outcome: { kind: 'busy' }, waitedMs: 0 })
    expect(warnings).toEqual([expect.stringMatching(/^the report \S+ could not be written: /)])
  })
})
