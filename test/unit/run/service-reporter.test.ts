import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { AbortReason } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import { planTiming } from '../../../src/lock/lease-timing.ts'
import { Loss } from '../../../src/lock/loss.ts'
import type { RunSpec } from '../../../src/run/run-spec.ts'
import { ServiceReporter } from '../../../src/run/service-reporter.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

const PROLONGED = 'EXTEND_TIMEOUT_USEC=90000000'

/** A service whose systemd writes down what it is told, one line each time. */
function service(about: NodeJS.ProcessEnv = {}, program = 'IFS="|"; printf "%s\\n" "$*" >>"$NOTIFY_SOCKET"') {
  const dir = mkdtempSync(join(tmpdir(), 'service-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const told = join(dir, 'told')
  writeFileSync(told, '')
  writeFileSync(join(dir, 'systemd-notify'), `#!/bin/sh\n${program}\n`, { mode: 0o755 })
  const warnings: string[] = []
  const log = { ...SILENT, warn: (line: string) => void warnings.push(line) }
  const clock = new VirtualClock()
  const ctx: Context = { clock, log, signal: new AbortController().signal, random: () => 0 }
  const timing = planTiming({})
  const spec = { lock: { name: 'db', timing }, recorded: ['./se\nrve', 'x'] } as unknown as RunSpec
  const reporter = new ServiceReporter(ctx, { PATH: `${dir}:/bin:/usr/bin`, NOTIFY_SOCKET: told, ...about }, spec)
  return {
    ctx,
    clock,
    timing,
    reporter,
    warnings,
    /** All that systemd was told, when nothing is under way. */
    async told() {
      await reporter.settled(ctx)
      return readFileSync(told, 'utf8').split('\n').slice(0, -1)
    },
  }
}

describe('systemd is told', () => {
  test('soon that the start takes longer, and again every half a minute', async () => {
    const { clock, told } = service()
    await clock.advance(2999)
    expect(await told()).toEqual([])
    await clock.advance(1)
    expect(await told()).toEqual([PROLONGED])
    await clock.advance(29_999)
    expect(await told()).toEqual([PROLONGED])
    await clock.advance(1)
    expect(await told()).toEqual([PROLONGED, PROLONGED])
  })

  test('whom it waits for, and no more often for it that the start takes longer', async () => {
    const { clock, reporter, told } = service()
    await clock.advance(1000)
    reporter.waiting('held by \u001b[1mweb1')
    await told()
    await clock.advance(5000)
    await told()
    await clock.advance(24_999)
    const lines = await told()
    expect(lines.join('|')).toContain('STATUS=held by \\u001b[1mweb1')
    expect(lines.join('|').split(PROLONGED)).toHaveLength(2)
    await clock.advance(1)
    expect((await told()).slice(lines.length)).toEqual([PROLONGED])
  })

  test('that it is ready when the lock is ours, and of its start no more', async () => {
    const { clock, reporter, told, warnings } = service()
    reporter.acquired()
    expect(await told()).toEqual(['READY=1|STATUS=the lock db is ours, ./se\\nrve runs'])
    await clock.advance(600_000)
    expect(await told()).toHaveLength(1)
    expect(warnings).toEqual([])
  })

  test('why a lock was lost, and that it stops', async () => {
    const { reporter, told } = service()
    reporter.lost(new Loss('key-taken', 'somebody else holds the key'))
    expect(await told()).toEqual(['STOPPING=1|STATUS=the lock db is lost: somebody else holds the key'])
  })

  test('that it stops when its command has ended', async () => {
    const { reporter, told } = service()
    reporter.ended()
    expect(await told()).toEqual(['STOPPING=1'])
  })

  test('nothing more of its start when the run is over', async () => {
    const { clock, reporter, told } = service()
    reporter.finished()
    await clock.advance(600_000)
    expect(await told()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('at once of all that has come meanwhile, the latest of each kind', async () => {
    const { reporter, told } = service()
    reporter.ended()
    reporter.waiting('one')
    reporter.waiting('two')
    expect(await told()).toEqual(['STOPPING=1', `${PROLONGED}|STATUS=two`])
    reporter.ended()
    expect(await told()).toHaveLength(3)
  })
})

describe('a watchdog', () => {
  const US = String(process.pid)

  test.each<[string, NodeJS.ProcessEnv]>([
    ['of this process', { WATCHDOG_USEC: '60000000', WATCHDOG_PID: US }],
    ['of no process in particular', { WATCHDOG_USEC: '60000000' }],
  ])('%s hears of each renewal', async (_, environment) => {
    const { reporter, told } = service(environment)
    reporter.renewed()
    expect(await told()).toEqual(['WATCHDOG=1'])
    reporter.renewed()
    expect(await told()).toEqual(['WATCHDOG=1', 'WATCHDOG=1'])
  })

  test.each<[string, NodeJS.ProcessEnv]>([
    ['of another process', { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' }],
    ['that is none', { WATCHDOG_USEC: '0' }],
    ['that is not there', {}],
  ])('%s hears and asks nothing', async (_, environment) => {
    const { reporter, told, warnings } = service(environment)
    reporter.renewed()
    expect(await told()).toEqual([])
    reporter.acquired()
    await told()
    expect(warnings).toEqual([])
  })

  test('that is too short for renewals is warned of', async () => {
    const { renewMs } = planTiming({})
    const short = service({ WATCHDOG_USEC: String((2 * renewMs - 1) * 1000) })
    short.reporter.acquired()
    await short.told()
    expect(short.warnings).toEqual([expect.stringMatching(/^WatchdogSec is .*, and it hears of us every .*; make it/)])
    expect(short.warnings[0]).toContain(`make it ${(3 * renewMs) / 1000}s or more`)
    const enough = service({ WATCHDOG_USEC: String(2 * renewMs * 1000) })
    enough.reporter.acquired()
    await enough.told()
    expect(enough.warnings).toEqual([])
  })
})

test('whoever wants us to leave does not wait for systemd', async () => {
  const { ctx, clock, reporter, warnings } = service({}, 'exec sleep 60')
  reporter.ended()
  reporter.finished()
  const told = new AbortController()
  told.abort(new AbortReason('told to leave'))
  await reporter.settled({ ...ctx, signal: told.signal })
  expect(warnings).toEqual([])
  // Telling has a bound of its own.
  await clock.advance(10_000)
  await reporter.settled(ctx)
  expect(warnings).toEqual([expect.stringContaining("systemd can't be told STOPPING=1")])
})
