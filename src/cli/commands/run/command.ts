import { hostname } from 'node:os'
import { computeWhenIdle } from '../../../base/compute-when-idle.ts'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import type { OutputStreams } from '../../../child/child.ts'
import { type Executable, findExecutable } from '../../../child/executable.ts'
import { NO_GUARDIAN } from '../../../child/guardian.ts'
import { unlessInterrupted } from '../../../child/interruptible-wait.ts'
import { launch } from '../../../child/launch.ts'
import { stateFolders } from '../../../host/state-folder.ts'
import { userName } from '../../../host/user-name.ts'
import { fateOf } from '../../../lock/loss.ts'
import { serveLease } from '../../../run/lease-socket.ts'
import type { CommandOutput } from '../../../run/output/command-output.ts'
import { run } from '../../../run/run.ts'
import type { RunResult } from '../../../run/run-outcome.ts'
import type { RunDependencies, RunSpec } from '../../../run/run-spec.ts'
import { runRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { exitCodeOf } from '../../exit-codes.ts'
import type { Invocation, Subcommand } from '../../invocation/invocation.ts'
import { print } from '../../output/print.ts'
import { blaming } from '../../syntax/environment-words.ts'
import { type Parsed, parse } from '../../syntax/parse.ts'
import { checkEncoding } from '../../user-command/argument-encoding.ts'
import {
  gatesAround,
  healthRequired,
  holdingOn,
  observed,
  outputOf,
  periodOf,
  withOnAcquire,
} from './load-on-demand.ts'
import { requestedRun } from './requested-run.ts'
import { startGuardian } from './run-guardian.ts'
import { chosenCodes, RUN_SYNTAX, type RunCommandOptions } from './syntax.ts'
import { versionLine } from './version.ts'

/**
 * `consul-locker [options] <name> <command> [args…]`. `checkName` throws for a name that only `run` takes. Settles with
 * the exit code.
 */
export async function plainRunCommand(invocation: Invocation, checkName: (name: string) => void): Promise<number> {
  const parsed = parse(RUN_SYNTAX, invocation.words, invocation.environment)
  const [name = ''] = parsed.words
  checkName(name)
  if (parsed.words.length === 1) await checkNoMisspeltWord(name)
  return blaming(parsed.inherited, () => runParsed(invocation, parsed))
}

/** Rejects with a `usage` failure for a name alone that is like a word of ours. */
async function checkNoMisspeltWord(name: string): Promise<void> {
  const { meantWord } = await import('../../user-command/command-hint.ts')
  const meant = meantWord(name)
  if (meant === undefined) return
  const hint = `did you mean consul-locker ${meant}?`
  throw new Failure('usage', `no command was given to run under ${name}`, { hint })
}

/** `consul-locker run [options] <name> <command> [args…]`: any name goes. */
export const runCommand: Subcommand = {
  syntax: RUN_SYNTAX,
  perform: (invocation) => plainRunCommand(invocation, () => {}),
}

async function runParsed(
  { environment, signals, context }: Invocation,
  parsed: Parsed<typeof RUN_SYNTAX.options>,
): Promise<number> {
  const { options } = parsed
  if (options.version) return print(versionLine())
  if (options.licenses) return (await import('./licences.ts')).printLicences()
  const ctx = context({ 'log-format': options['log-format'], quiet: options.quiet || options['quiet-unless-fail'] })
  ctx.log.mark('options parsed')
  const wanted = requestedRun(parsed, environment, computeWhenIdle(ourselves))
  checkEncoding(wanted.command)
  const command = await executableOf(wanted, environment)
  // A wrong one is told of before anything runs.
  const codes = chosenCodes(options)
  const { observer, spec: asked, listener } = await observed(ctx, options, wanted)
  if (options.dev) await (await import('./shared-dev-server.ts')).ensureDevServer(ctx, options, environment)
  const toPeriod = await periodOf(ctx, options)
  const consul = await connect(options, environment, runRules(asked.lock.key, options))
  const spec = toPeriod(consul, asked)
  const gates = await gatesAround(options, environment)
  const output = await outputOf(ctx, options, environment, listener)
  const dependencies: RunDependencies = {
    consul,
    signals,
    launch: (request) => {
      const start = (streams?: OutputStreams) => launch({ command, ...request, ...(streams && { streams }) })
      return output ? output.launch(start) : start()
    },
    ...gates,
    ...(await holdingOn(options)),
    ...(await healthRequired(consul, options)),
    ...(observer && { observer }),
    guardian: options['no-guardian'] ? NO_GUARDIAN : startGuardian(ctx, spec, options),
    serveLease: (lease) => serveLease(ctx, stateFolders(environment), spec.runId, lease),
  }
  try {
    const result = await runObserved(ctx, dependencies, spec, options, output)
    tell(ctx, spec, result)
    return exitCodeOf(result.outcome, codes)
  } finally {
    // The exit closes all at once, and comes first; only a warm-up gets here.
    ctx.clock.after(0, () => consul.close())
  }
}

/** Who we are, for the holder record. */
function ourselves() {
  return { host: hostname(), pid: process.pid, user: userName() }
}

/** What the run's observers still have to do, and the last of the output, comes before our own last words. */
async function runObserved(
  ctx: Context,
  dependencies: RunDependencies,
  spec: RunSpec,
  options: RunCommandOptions,
  output: CommandOutput | undefined,
): Promise<RunResult> {
  const { observer, signals } = dependencies
  try {
    const result = await run(ctx, await withOnAcquire(dependencies, spec, options), spec)
    output?.finished(result)
    return result
  } finally {
    if (observer || output) {
      await unlessInterrupted(ctx, signals, (ctx) => Promise.all([output?.settled(ctx), observer?.settled?.(ctx)]))
    }
  }
}

/** What a run executes. Rejects with a `Failure`, which hints at what was meant. */
export async function executableOf(
  { lock, command }: Pick<RunSpec, 'lock' | 'command'>,
  environment: NodeJS.ProcessEnv,
): Promise<Executable> {
  try {
    return findExecutable(command, environment.PATH)
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'not-found') throw thrown
    throw (await import('../../user-command/command-hint.ts')).withHint(thrown, command, lock.name)
  }
}

/** Says of a run's end what its exit code doesn't. */
function tell(ctx: Context, spec: RunSpec, { outcome, ranMs }: RunResult): void {
  switch (outcome.kind) {
    case 'unready':
      ctx.log.notice(`${spec.lock.name} is not ready: ${outcome.missing.join(', ')}`)
      break
    case 'lost': {
      const stopped = ranMs === undefined ? 'the command was not started, for' : 'the command was stopped, for'
      const what = outcome.status ? 'the command had ended when' : stopped
      ctx.log.error(`${what} the lock ${spec.lock.name} was ${fateOf(outcome.loss)}: ${outcome.loss.sentence}`)
      break
    }
    case 'unprepared':
      ctx.log.error(`the command was not started, for ${outcome.why}`)
      break
    case 'timed-out':
      ctx.log.error(`the command was ended, for it had run for ${formatDuration(spec.timeLimit?.ms ?? 0)}`)
      break
    case 'unsettled':
      ctx.log.error(`the command succeeded, but the lock was given up before this held: ${outcome.missing.join(', ')}`)
  }
}
