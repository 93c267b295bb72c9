import { isatty } from 'node:tty'
import { scope, sleep, unlessAborted } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { shellStatus } from '../../../child/exit-status.ts'
import { Interrupted } from '../../../child/interruptible-wait.ts'
import { ENDS_US, type ForwardedSignal } from '../../../child/signals.ts'
import { type InitFile, readInitFile } from '../../../init/init-file.ts'
import { InitScript } from '../../../init/init-script.ts'
import type { InitAction } from '../../../init/role-rules.ts'
import { needsRoot } from '../../../init/service-command.ts'
import { NO_PAINT, overallState, statusBlock, TERMINAL_PAINT } from '../../../init/status-block.ts'
import { switcher } from '../../../init/switcher.ts'
import type { SwitchOptions } from '../../../switchover/planning.ts'
import { initRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { orFromOwnFile } from '../../connection/consul-of-file.ts'
import { EXIT, LSB_STATUS_EXIT } from '../../exit-codes.ts'
import type { CommandRequest } from '../../invocation/subcommand.ts'
import { print, printLines, printText } from '../../output/print.ts'
import { Progress } from './progress.ts'
import { conclude, concludeAbort } from './switch-conclusion.ts'
import type { INIT_SYNTAX } from './syntax.ts'

type InitRequest = CommandRequest<typeof INIT_SYNTAX.options>

const CLEANING_UP_MS = 5000

/** One action of one init script. Making one throws a `config` failure. */
export class InitOperation {
  readonly #request: InitRequest
  readonly #path: string
  readonly #file: InitFile

  constructor(request: InitRequest, path: string) {
    this.#request = request
    this.#path = path
    this.#file = readInitFile(path)
  }

  /**
   * Settles with the exit code. A signal ends what we are at; start-primary it makes undo what is not decided yet, and
   * a second one ends that, too. Rejects with a `Failure`.
   */
  async run(action: InitAction): Promise<number> {
    const { ctx, options, environment, signals } = this.#request
    const isLook = action === 'status' || options['dry-run']
    if (!isLook && needsRoot(this.#file) && process.getuid?.() !== 0) throw notRoot(action)
    const settings = orFromOwnFile(options, this.#file.consul, environment)
    const consul = await connect(settings, environment, initRules(this.#file))
    const script = new InitScript({
      consul,
      file: this.#file,
      path: this.#path,
      environment,
      output: new Progress(ctx.clock, isatty(1), columns()),
    })
    using gentle = scope(ctx.signal)
    using hard = scope(ctx.signal)
    let received: ForwardedSignal | undefined
    using _listening = signals.listen((signal) => {
      if (!ENDS_US.includes(signal)) return
      if (received !== undefined || action !== 'start-primary') hard.abort(new Interrupted(signal))
      received ??= signal
      gentle.abort(new Interrupted(signal))
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

  async #act(ctx: Context, script: InitScript, action: InitAction, interruption: AbortSignal): Promise<number> {
    switch (action) {
      case 'start':
      case 'stop':
      case 'restart':
        await script[action](ctx)
        return EXIT.done
      case 'force-reload':
        await script.forceReload(ctx)
        return EXIT.done
      case 'promote':
      case 'demote':
        await script.handleFlag(ctx, action)
        return EXIT.done
      case 'status':
        return this.#status(ctx, script)
      case 'start-primary':
        return this.#startPrimary(ctx, script, interruption)
    }
  }

  async #status(ctx: Context, script: InitScript): Promise<number> {
    const status = await script.status(ctx)
    const paint = isatty(1) ? TERMINAL_PAINT : NO_PAINT
    if (this.#request.options.json) print(JSON.stringify(status))
    else printText(statusBlock(status, paint))
    return LSB_STATUS_EXIT[overallState(status)]
  }

  async #startPrimary(ctx: Context, script: InitScript, interruption: AbortSignal): Promise<number> {
    const { force, abort, fenced, node, 'to-datacenter': toDatacenter } = this.#request.options
    const { 'dead-after': deadAfterMs, 'step-timeout': stepMs = this.#file.step_timeout } = this.#request.options
    if (deadAfterMs !== undefined && deadAfterMs >= stepMs) throw tooPatient(deadAfterMs, stepMs)
    warnOfSlowStart(ctx, this.#file, stepMs)
    const how = {
      interruption,
      timeouts: { stepMs, deadAfterMs: force ? 0 : deadAfterMs },
      who: switcher('start-primary'),
    }
    if (abort) return concludeAbort(ctx, await script.abortSwitch(ctx, how))
    const options: SwitchOptions = {
      toDatacenter,
      toNode: node,
      force,
      patient: !force && deadAfterMs !== undefined,
      fencing: fenced ? 'done' : this.#file.fence_command === undefined ? 'none' : 'command',
    }
    if (this.#request.options['dry-run']) {
      const lines = await script.dryRun(ctx, options)
      return printLines(lines.map(({ line, isSkipped }) => (isSkipped ? `${line} (skipped)` : line)))
    }
    return conclude(ctx, await script.startPrimary(ctx, { ...how, options }))
  }
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

function notRoot(action: InitAction): Failure {
  return new Failure('not-executable', `${action} takes the system's own service command, which only root may use`, {
    hint: 'run it as root, or give the script a service_command that works for this user',
  })
}

/** Of the terminal. Node makes any other standard output non-blocking when asked for it, for all who share it. */
function columns(): number | undefined {
  return isatty(1) ? process.stdout.columns : undefined
}
