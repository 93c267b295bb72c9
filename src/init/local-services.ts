import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import type { Executable } from '../child/executable.ts'
import { shellStatus } from '../child/exit-status.ts'
import { runTask } from '../child/task.ts'
import type { InitFile } from './init-file.ts'
import { isMisspelt, serviceCommand, unitQuery } from './service-command.ts'

export type ServiceState = 'running' | 'stopped' | 'unknown'

/** How a service is, by the exit code of its status (LSB: 0 runs; 1, 2, 3 don't; the rest can't tell). */
export interface ServiceStatus {
  readonly service: string
  readonly state: ServiceState
  readonly output: string
}

/** Tells people of each service as it goes. */
export interface ServiceOutput {
  begin(line: string): void
  end(result: 'SUCCESS' | 'FAILED'): void
  /** A whole line. */
  say(line: string): void
}

const GRACE_MS = 2000
/** So often is looked whether a service has stopped whose command has ended. */
const LOOK_MS = 200
const STATUS_TIMEOUT_MS = 30_000
const STOPPED = [1, 2, 3]

/** The services that an init script manages, in their order. */
export class LocalServices {
  readonly #file: InitFile
  readonly #environment: NodeJS.ProcessEnv
  readonly #output: ServiceOutput

  constructor(file: InitFile, environment: NodeJS.ProcessEnv, output: ServiceOutput) {
    this.#file = file
    this.#environment = environment
    this.#output = output
  }

  async status(ctx: Context): Promise<ServiceStatus[]> {
    const all: ServiceStatus[] = []
    for (const service of this.#file.local_services) all.push(await this.#statusOf(ctx, service))
    return all
  }

  /** Starts those that don't run, in order. Rejects with a `Failure` at the first that can't be started. */
  async start(ctx: Context): Promise<void> {
    for (const service of this.#file.local_services) {
      const { state } = await this.#statusOf(ctx, service)
      if (state === 'running') this.#output.say(`service.${service}: already running...`)
      else await this.#change(ctx, service, 'start', this.#file.start_timeout)
    }
  }

  /**
   * Stops those that run, in reverse order, and looks whether they have stopped. Goes on after one that can't be
   * stopped, and rejects with a `Failure` in the end.
   */
  async stop(ctx: Context): Promise<void> {
    let failure: unknown
    for (const service of this.#file.local_services.toReversed()) {
      const { state } = await this.#statusOf(ctx, service)
      if (state === 'stopped') this.#output.say(`service.${service}: already stopped...`)
      else await this.#change(ctx, service, 'stop', this.#file.stop_timeout).catch((thrown) => (failure ??= thrown))
    }
    ctx.signal.throwIfAborted()
    if (failure !== undefined) throw failure
  }

  async #change(ctx: Context, service: string, action: 'start' | 'stop', timeoutMs: number): Promise<void> {
    this.#output.begin(`service.${service}: ${action === 'start' ? 'starting' : 'stopping'}`)
    try {
      const begunAt = ctx.clock.now()
      await this.#act(ctx, service, action, timeoutMs)
      await this.#verify(ctx, service, action, () => (action === 'stop' ? timeoutMs - ctx.clock.since(begunAt) : 0))
    } catch (thrown) {
      this.#output.end('FAILED')
      throw thrown
    }
    this.#output.end('SUCCESS')
  }

  async #act(ctx: Context, service: string, action: 'start' | 'stop', timeoutMs: number): Promise<void> {
    const command = serviceCommand(this.#file, service, action, this.#environment.PATH)
    const { status, output } = await this.#run(ctx, command, timeoutMs)
    if (status === 'too-late') {
      throw new Failure(
        'timed-out',
        `${service}: its ${action} command did not end within ${formatDuration(timeoutMs)}`,
        {
          hint: `${action}_timeout sets the limit`,
        },
      )
    }
    const code = shellStatus(status)
    if (code !== 0)
      throw new Failure('failed', `${service}: its ${action} command failed with ${code}${quoted(output)}`)
  }

  /**
   * A stop that only asks for the end must not be taken for the end itself, which may come within the rest of its time.
   */
  async #verify(ctx: Context, service: string, action: 'start' | 'stop', leftMs: () => number): Promise<void> {
    const wanted = action === 'start' ? 'running' : 'stopped'
    let { state, output } = await this.#statusOf(ctx, service)
    while (state !== wanted && leftMs() > 0) {
      await sleep(ctx, Math.min(LOOK_MS, leftMs()))
      ;({ state, output } = await this.#statusOf(ctx, service))
    }
    if (state === wanted) return
    throw new Failure('failed', `${service} is ${state} after its ${action}${quoted(output)}`, {
      hint: 'service_command must do its work before it ends, and its status must end with 0 or 3',
    })
  }

  async #statusOf(ctx: Context, service: string): Promise<ServiceStatus> {
    const command = serviceCommand(this.#file, service, 'status', this.#environment.PATH)
    const { status, output } = await this.#run(ctx, command, STATUS_TIMEOUT_MS)
    if (status === 'too-late') return { service, state: 'unknown', output: 'the status command does not end' }
    const code = shellStatus(status)
    if (!STOPPED.includes(code))
      return { service, state: code === 0 ? 'running' : 'unknown', output: onOneLine(output) }
    if (isMisspelt(output)) return { service, state: 'unknown', output: onOneLine(output) }
    const query = unitQuery(this.#file, service, this.#environment.PATH)
    const isUnknown = query && isMisspelt((await this.#run(ctx, query, STATUS_TIMEOUT_MS)).output)
    if (isUnknown) return { service, state: 'unknown', output: `systemd has no unit ${service}` }
    return { service, state: 'stopped', output: onOneLine(output) }
  }

  async #run(ctx: Context, command: Executable, timeoutMs: number) {
    const environment = this.#environment
    const { status, output } = await runTask(ctx, {
      command,
      environment,
      timeoutMs,
      graceMs: GRACE_MS,
      sparesDaemons: false,
    })
    if (status === 'interrupted') throw ctx.signal.reason
    return { status, output }
  }
}

/** A service's own words, its leading space included, on one line. */
function onOneLine(output: string): string {
  return output.trimEnd().replaceAll(/\s*\n\s*/g, ' ')
}

function quoted(output: string): string {
  const line = onOneLine(output).trim()
  return line === '' ? '' : `: ${line.length > 200 ? `${line.slice(0, 199)}…` : line}`
}
