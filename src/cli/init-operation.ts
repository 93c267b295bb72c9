import { isatty } from 'node:tty'
import { scope, sleep, unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { shellStatus } from '../child/exit-status.ts'
import { ENDS_US, type ForwardedSignal } from '../child/signals.ts'
import { type InitFile, readInitFile } from '../init/init-file.ts'
import { InitScript } from '../init/init-script.ts'
import type { Action } from '../init/role-rules.ts'
import { needsRoot } from '../init/service-command.ts'
import { NO_PAINT, statusBlock, statusCode, TERMINAL_PAINT } from '../init/status-block.ts'
import type { SwitchEnd } from '../switchover/switch-world.ts'
import { initRules } from './acl-rules.ts'
import { connect } from './connect.ts'
import { orFromOwnFile } from './consul-of-file.ts'
import { duration } from './duration.ts'
import type { Invocation } from './invocation.ts'
import { type Given, givenIn, type Parsed } from './parse.ts'
import { print, printLines, printText } from './print.ts'
import { Progress } from './progress.ts'
import { switcher } from './switcher.ts'

const CLEANING_UP_MS = 5000

/** One action of one init script. Making one throws a `config` failure. */
export class Operation {
  readonly #invocation: Invocation
  readonly #parsed: Parsed
  readonly #given: Given
  readonly #path: string
  readonly #file: InitFile

  constructor(invocation: Invocation, parsed: Parsed, path: string) {
    this.#invocation = invocation
    this.#parsed = parsed
    this.#given = givenIn(parsed)
    this.#path = path
    this.#file = readInitFile(path)
  }

  /**
   * Settles with the exit code. A signal ends what we are at; start-primary it makes undo what is not decided yet, and
   * a second one ends that, too. Rejects with a `Failure`.
   */
  async run(ctx: Context, action: Action): Promise<number> {
    const { environment, signals } = this.#invocation
    if (action !== 'status' && needsRoot(this.#file) && process.getuid?.() !== 0) throw notRoot(action)
    const given = orFromOwnFile(this.#given, this.#file.consul, environment)
    const consul = await connect(given, environment, initRules(this.#file))
    const script = new InitScript({
      consul,
      file: this.#file,
      path: this.#path,
      environment,
      teller: new Progress(ctx.clock, isatty(1), columns()),
    })
    using gentle = scope(ctx.signal)
    using hard = scope(ctx.signal)
    let received: ForwardedSignal | undefined
    using _listening = signals.listen((signal) => {
      if (!ENDS_US.includes(signal)) return
      if (received !== undefined || action !== 'start-primary') hard.abort(signal)
      received ??= signal
      gentle.abort(signal)
    })
    const acting = this.#act({ ...ctx, signal: hard.signal }, script, action, gentle.signal)
    try {
      return await unlessAborted(hard.signal, acting)
    } catch (thrown) {
      if (received === undefined) throw thrown
      if (hard.signal.aborted) await Promise.race([acting.catch(() => {}), sleep(ctx, CLEANING_UP_MS)])
      else if (thrown instanceof Failure) ctx.log.error(thrown.message)
      return shellStatus({ signal: received })
    } finally {
      consul.close()
    }
  }

  async #act(ctx: Context, script: InitScript, action: Action, interruption: AbortSignal): Promise<number> {
    switch (action) {
      case 'start':
      case 'stop':
      case 'restart':
        await script[action](ctx)
        return 0
      case 'promote':
      case 'demote':
        await script.attend(ctx, action)
        return 0
      case 'status':
        return this.#status(ctx, script)
      case 'start-primary':
        return this.#startPrimary(ctx, script, interruption)
    }
  }

  async #status(ctx: Context, script: InitScript): Promise<number> {
    const status = await script.status(ctx)
    const paint = isatty(1) ? TERMINAL_PAINT : NO_PAINT
    if (this.#parsed.options.json) print(JSON.stringify(status))
    else printText(statusBlock(status, paint))
    return statusCode(status)
  }

  async #startPrimary(ctx: Context, script: InitScript, interruption: AbortSignal): Promise<number> {
    const { force, abort } = this.#parsed.options
    const deadAfterMs = duration('dead-after', this.#given)
    const stepMs = duration('step-timeout', this.#given) ?? this.#file.step_timeout
    if (deadAfterMs !== undefined && deadAfterMs >= stepMs) throw tooPatient(deadAfterMs, stepMs)
    warnOfSlowStart(ctx, this.#file, stepMs)
    const how = {
      interruption,
      patience: { stepMs, deadAfterMs: force ? 0 : deadAfterMs },
      who: switcher('start-primary'),
    }
    if (abort) return concludeAbort(ctx, await script.abortSwitch(ctx, how))
    const wish = {
      toDatacenter: this.#given('to-datacenter'),
      toNode: this.#given('node'),
      force: force === true,
      patient: !force && deadAfterMs !== undefined,
    }
    if (this.#parsed.options['dry-run']) {
      const lines = await script.rehearse(ctx, wish)
      return printLines(lines.map(({ line, isSkipped }) => (isSkipped ? `${line} (skipped)` : line)))
    }
    return conclude(ctx, await script.startPrimary(ctx, { ...how, wish }))
  }
}

const NOWHERE = 'the service runs nowhere now'
const MEND = 'mend it on the primary, which status shows, and start it there'

/** An abort has done what it was asked for when the old primary runs again. */
function concludeAbort(ctx: Context, end: SwitchEnd): number {
  if (end.kind === 'undone' && end.primary === 'old' && !end.nowhere) return 0
  return conclude(ctx, end)
}

function conclude(ctx: Context, end: SwitchEnd): number {
  if (end.kind === 'undone') {
    const { why, primary, nowhere } = end
    const undone = 'the switch was undone, and the primary is the same as before'
    const stays = "it can't be undone either, and the new primary stays"
    const sentence = `${why}; ${primary === 'old' ? undone : stays}`
    if (nowhere) throw new Failure('declined', `${sentence}, but ${NOWHERE}`, { hint: MEND })
    throw new Failure('declined', sentence)
  }
  for (const node of new Set(end.skipped.map(({ node }) => node))) {
    ctx.log.warn(`${node} was left out: its demotion stays raised, and stops its services when it comes back`)
  }
  for (const node of end.untold) {
    ctx.log.warn(`${node} tells nothing of its services, and has no check in Consul: see there whether they run`)
  }
  for (const datacenter of end.owed) {
    ctx.log.warn(`${datacenter} can't be reached and keeps the old roles; run start-primary again when it is back`)
  }
  return 0
}

/** A step may end before the services that it waits for have had their time. */
function warnOfSlowStart(ctx: Context, { start_timeout, local_services }: InitFile, stepMs: number): void {
  const allMs = start_timeout * local_services.length
  if (allMs <= stepMs) return
  const [all, step] = [allMs, stepMs].map(formatDuration)
  ctx.log.warn(`${local_services.length} services may take ${all} to start (start_timeout), a step only ${step}`)
}

function tooPatient(deadAfterMs: number, stepMs: number): Failure {
  const [wait, step] = [deadAfterMs, stepMs].map(formatDuration)
  return new Failure('usage', `--dead-after ${wait} never ends: a step may take ${step}`, {
    hint: 'give a longer --step-timeout as well',
  })
}

function notRoot(action: Action): Failure {
  return new Failure('not-executable', `only root may ${action} services by the system's own service command`, {
    hint: 'run it as root, or give the script a service_command that works for this user',
  })
}

/** Of the terminal. Node makes any other standard output non-blocking when asked for it, for all who share it. */
function columns(): number | undefined {
  return isatty(1) ? process.stdout.columns : undefined
}
