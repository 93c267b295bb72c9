import { hostname } from 'node:os'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { meanwhile } from '../base/meanwhile.ts'
import { type Command, findCommand } from '../child/command.ts'
import { shellStatus } from '../child/exit-status.ts'
import { NO_GUARDIAN } from '../child/guardian.ts'
import { launch } from '../child/launch.ts'
import { fateOf } from '../lock/loss.ts'
import type { Job, Result, World } from '../run/job.ts'
import { answerFor } from '../run/lease-socket.ts'
import { run } from '../run/run.ts'
import { runRules } from './acl-rules.ts'
import { checkEncoding } from './bytes.ts'
import { connect } from './connect.ts'
import { EXIT } from './exit-codes.ts'
import { startGuardian } from './guardian.ts'
import type { Invocation } from './invocation.ts'
import { exitCodeOf, jobOf } from './job.ts'
import { GATE_OPTIONS } from './options.ts'
import { givenIn, type Parsed, parse } from './parse.ts'
import { print } from './print.ts'
import { RUN_SYNTAX } from './run-syntax.ts'
import { userName } from './user-name.ts'
import { versionLine } from './version.ts'
import { kindOfWord } from './words.ts'

/** `consul-locker [options] <name> <command> [args…]`. Settles with the exit code. */
export async function runCommand(invocation: Invocation): Promise<number> {
  const parsed = parse(RUN_SYNTAX, invocation.words, invocation.environment)
  const [name = ''] = parsed.words
  const kind = kindOfWord(name)
  if (kind !== undefined) {
    const what =
      kind === 'command' ? 'is a command of ours, and its options stand behind it' : 'will be a command of ours'
    throw new Failure('usage', `${name} ${what}`, { hint: `to lock that name: consul-locker run [options] ${name} …` })
  }
  return runParsed(invocation, parsed)
}

/** `consul-locker run [options] <name> <command> [args…]`: any name goes. Settles with the exit code. */
export function explicitRunCommand(invocation: Invocation): Promise<number> {
  return runParsed(invocation, parse(RUN_SYNTAX, invocation.words, invocation.environment))
}

async function runParsed({ environment, signals, context }: Invocation, parsed: Parsed): Promise<number> {
  if (parsed.options.version) return print(versionLine())
  const ctx = context(parsed.options)
  ctx.log.mark('options parsed')
  const given = givenIn(parsed)
  const job = jobOf(parsed, environment)
  checkEncoding(job.command)
  const command = await commandOf(job, environment)
  const busyCode = exitCodeOf('conflict-exit-code', given) ?? EXIT.busy
  const report = await reporter(ctx, given('report-file'), job)
  const consul = await connect(given, environment, runRules(job.key))
  const world: World = {
    consul,
    signals,
    launch: (request) => launch({ command, ...request }),
    ...(await gatesAround(parsed, environment)),
    guardian: parsed.options['no-guardian'] ? NO_GUARDIAN : startGuardian(ctx, job, parsed),
    publish: (lease) => answerFor(ctx, environment, job.runId, lease),
    self: meanwhile(() => ({ host: hostname(), pid: process.pid, user: userName() })),
  }
  try {
    const result = await run(ctx, world, job)
    report(result)
    return statusOf(ctx, job, result, busyCode)
  } catch (thrown) {
    if (thrown instanceof Failure) report(thrown)
    throw thrown
  } finally {
    // The exit closes all at once, and comes first; only a warm-up gets here.
    ctx.clock.after(0, () => consul.close())
  }
}

/** What tells of the run's end; most runs want no report, and load nothing for it. */
async function reporter(ctx: Context, file: string | undefined, job: Job): Promise<(end: Result | Failure) => void> {
  if (file === undefined) return () => {}
  const { checkReportFile, writeReport } = await import('../run/report.ts')
  checkReportFile(file)
  return (end) => writeReport(ctx, file, job, end)
}

async function commandOf({ name, command }: Job, environment: NodeJS.ProcessEnv): Promise<Command> {
  try {
    return findCommand(command, environment.PATH)
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'not-found') throw thrown
    throw (await import('./command-hint.ts')).withHint(thrown, command, name)
  }
}

/** Most runs have none, and load nothing for them. */
async function gatesAround(parsed: Parsed, environment: NodeJS.ProcessEnv): Promise<Partial<World>> {
  const isGated = GATE_OPTIONS.some((name) => parsed.options[name] !== undefined)
  return isGated ? (await import('./run-gates.ts')).gatesOf(parsed, environment) : {}
}

function statusOf(ctx: Context, job: Job, { outcome }: Result, busyCode: number): number {
  switch (outcome.kind) {
    case 'ran':
      return shellStatus(outcome.status)
    case 'busy':
      return busyCode
    case 'unready':
      ctx.log.notice(`${job.name} is not ready: ${outcome.missing.join(', ')}`)
      return busyCode
    case 'interrupted':
      return shellStatus({ signal: outcome.signal })
    case 'lost': {
      const what = outcome.status ? 'the command had ended when' : 'the command was stopped, for'
      ctx.log.error(`${what} the lock ${job.name} was ${fateOf(outcome.loss)}: ${outcome.loss.sentence}`)
      return EXIT.lost
    }
    case 'unsettled':
      ctx.log.error(`the command succeeded, but the lock was given up before this held: ${outcome.missing.join(', ')}`)
      return EXIT.unsettled
  }
}
