import { randomUUID } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import type { Context } from '../base/context.ts'
import { parseDuration } from '../base/duration.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { findCommand } from '../child/command.ts'
import { shellStatus } from '../child/exit-status.ts'
import { launch } from '../child/launch.ts'
import { Consul } from '../consul/consul.ts'
import { openTransport } from '../consul/transport.ts'
import { planTiming, type Timing } from '../lock/deadline.ts'
import { checkKey, keyOfName } from '../lock/keys.ts'
import type { Job, Result } from '../run/job.ts'
import { checkReportFile, reportOf, writeReport } from '../run/report.ts'
import { run } from '../run/run.ts'
import { consulSettings } from './consul-settings.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import type { OptionName } from './options.ts'
import type { Parsed } from './parse.ts'

/** `consul-locker [run] [options] <name> <command> [args…]`. Settles with the exit code. */
export async function runCommand(ctx: Context, invocation: Invocation, parsed: Parsed): Promise<number> {
  const { environment, signals } = invocation
  const given = givenIn(parsed)
  const job = jobOf(parsed, given, environment)
  const command = findCommand(job.command, environment.PATH)
  const busyCode = exitCode(given('conflict-exit-code')) ?? EXIT.busy
  const settings = consulSettings(given, environment)
  const reportFile = given('report-file')
  if (reportFile !== undefined) checkReportFile(reportFile)
  const consul = new Consul(settings, await openTransport(settings))
  const world = {
    consul,
    signals,
    launch: (environment: NodeJS.ProcessEnv) => launch({ command, environment }),
    self: { host: hostname(), pid: process.pid, user: userName() },
  }
  const report = (end: Result | Failure) => {
    if (reportFile !== undefined) tryToReport(ctx, reportFile, job, end)
  }
  try {
    const result = await run(ctx, world, job)
    report(result)
    return statusOf(ctx, job, result, busyCode)
  } catch (thrown) {
    if (thrown instanceof Failure) report(thrown)
    throw thrown
  } finally {
    consul.close()
  }
}

function statusOf(ctx: Context, job: Job, { outcome }: Result, busyCode: number): number {
  switch (outcome.kind) {
    case 'ran':
      return shellStatus(outcome.status)
    case 'busy':
      return busyCode
    case 'interrupted':
      return shellStatus({ signal: outcome.signal })
    case 'lost':
      ctx.log.error(`the command was stopped, for the lock ${job.name} was lost: ${outcome.loss.sentence}`)
      return EXIT.lost
  }
}

function givenIn(parsed: Parsed): (option: OptionName) => string | undefined {
  return (option) => {
    const value = parsed.options[option]
    return typeof value === 'string' ? value : undefined
  }
}

function jobOf(parsed: Parsed, given: (option: OptionName) => string | undefined, environment: NodeJS.ProcessEnv): Job {
  const { name, command } = parsed
  const usage = 'consul-locker [options] <name> <command> [args…]; see consul-locker --help'
  if (name === undefined) throw new Failure('usage', 'no lock was named', { hint: usage })
  const key = keyOfName(name)
  const [first, ...args] = command
  if (first === undefined) throw new Failure('usage', `no command was given to run under ${name}`, { hint: usage })
  const ownKey = given('key')
  return {
    name,
    key: ownKey === undefined ? key : checkKey('--key', ownKey),
    command: [first, ...args],
    timing: timingOf(given),
    waitMs: parsed.options['no-wait'] ? 0 : (duration('wait', given) ?? Number.POSITIVE_INFINITY),
    environment,
    runId: randomUUID(),
  }
}

function timingOf(given: (option: OptionName) => string | undefined): Timing {
  const wanted: Partial<Record<keyof Timing, number>> = {}
  const take = (field: keyof Timing, option: OptionName) => {
    const ms = duration(option, given)
    if (ms !== undefined) wanted[field] = ms
  }
  take('ttlMs', 'ttl')
  take('renewMs', 'renew')
  take('lockDelayMs', 'lock-delay')
  take('graceMs', 'kill-after')
  return planTiming(wanted)
}

function duration(option: OptionName, given: (option: OptionName) => string | undefined): number | undefined {
  const text = given(option)
  if (text === undefined) return undefined
  const ms = parseDuration(text)
  if (ms === undefined) {
    throw new Failure('usage', `--${option} ${JSON.stringify(text)} is not a duration`, {
      hint: 'write it as 90s, 1.5m, 2h or 500ms; a number alone means seconds',
    })
  }
  return ms
}

function exitCode(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const code = Number(text)
  if (!/^\d+$/.test(text) || code > 255) {
    throw new Failure('usage', `--conflict-exit-code ${JSON.stringify(text)} is not an exit code`, { hint: '0 to 255' })
  }
  return code
}

/** A user that isn't in the password file has only a number. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}

function tryToReport(ctx: Context, file: string, job: Job, end: Result | Failure): void {
  try {
    writeReport(file, reportOf(job, end))
  } catch (thrown) {
    ctx.log.warn(`the report could not be written: ${messageOf(thrown)}`)
  }
}
