import { scope, sleep } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { AgentSelf } from '../consul/agent-self.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import type { ClusterId } from '../switchover/cluster-site.ts'
import { type FailedAction, type FlagHandled, handleFlag, type ServiceControl } from '../switchover/flag-handler.ts'
import type { Direction } from '../switchover/flags.ts'
import type { InitFile } from './init-file.ts'
import { localAgent } from './local-agent.ts'
import type { LocalServices } from './local-services.ts'
import { liftNoop, setNoop } from './noop-lockfile.ts'
import { lockScript } from './script-lock.ts'

/** An init script and where it stands. */
export interface LoadedScript {
  readonly consul: Consul
  readonly file: InitFile
  readonly path: string
  /** That of the service commands. */
  readonly environment: NodeJS.ProcessEnv
}

/** A watch's handler outlives an outage of Consul, but not a machine that has been taken out of service. */
const HANDLING_MS = 600_000
/** So often services are tried to be stopped that don't. */
const FENCE_FIRST_MS = 1000
const FENCE_MAX_MS = 15_000
const UNHANDLED = new Failure('timed-out', 'the flag could not be attended to within 10m', {
  hint: 'is the Consul agent of this node running?',
})

/** Our node, as its flags move it: one action at a time, and checks that don't mind meanwhile. */
export class LocalNode {
  readonly #script: LoadedScript
  readonly #services: LocalServices

  constructor(script: LoadedScript, services: LocalServices) {
    this.#script = script
    this.#services = services
  }

  /** Waits for this script's mutex on this machine; it is free again when it is disposed. Rejects with a `Failure`. */
  mutex(ctx: Context): Promise<Disposable> {
    const { path, file, environment } = this.#script
    return lockScript(ctx, environment, path, file.step_timeout)
  }

  /**
   * Does what a flag asks for; for watches. Trouble with Consul is sat out, and services that don't stop are tried to
   * be stopped until they have, or the flag no longer asks for it: a watch doesn't fire again, and until then two may
   * run.
   */
  async handleFlag(ctx: Context, direction: Direction): Promise<void> {
    const { consul } = this.#script
    const backoff = new Backoff(ctx.random, FENCE_FIRST_MS, FENCE_MAX_MS)
    const self = await bounded(ctx, (ctx) => new Retry(consul).until(ctx, () => localAgent(ctx, consul)))
    let before: FailedAction | undefined
    for (;;) {
      const { failed } = await bounded(ctx, (ctx) => this.#handleFlagAs(ctx, self, direction, before))
      if (!failed) return
      const { action, failure } = failed
      if (action !== 'stop') throw failure
      if (failure.message !== before?.failure.message) {
        ctx.log.warn(`${failure.message}; trying again until it has stopped`)
      }
      before = failed
      await sleep(ctx, backoff.next())
    }
  }

  /** The same for a switch of ours: a failure is in our node's report, where the switch looks for it. */
  async handleFlagInSwitch(ctx: Context, self: AgentSelf, direction: Direction): Promise<void> {
    try {
      const { failed } = await this.#handleFlagAs(ctx, self, direction)
      if (failed) ctx.log.debug(`${direction} failed: ${failed.failure.message}`)
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      ctx.log.debug(`${direction} failed: ${thrown.message}`)
    }
  }

  async #handleFlagAs(
    ctx: Context,
    self: AgentSelf,
    direction: Direction,
    before?: FailedAction,
  ): Promise<FlagHandled> {
    using _mutex = await this.mutex(ctx)
    const { consul, file } = this.#script
    const services = this.#services
    const control: ServiceControl = {
      prepare: async (ctx) => this.setNoop(ctx, 'promote'),
      stop: async (ctx) => {
        this.setNoop(ctx, 'demote')
        await services.stop(ctx)
      },
      start: async (ctx) => {
        try {
          await services.start(ctx)
        } finally {
          this.liftNoop(ctx) // A start that failed is what checks are for.
        }
      },
      rest: async (ctx) => this.liftNoop(ctx),
    }
    const handled = await handleFlag(
      ctx,
      { consul, cluster: clusterOf(file), self, direction, services: control },
      before,
    )
    ctx.log.debug(`${direction}: ${handled.actions.join(', ') || 'nothing to do'}`)
    return handled
  }

  /** Checks don't mind from now on, until it is lifted or has expired. Whatever ails the lockfile is told, no more. */
  setNoop(ctx: Context, reason: string): void {
    const { noop_lockfile, noop_expires } = this.#script.file
    if (noop_lockfile === undefined) return
    warnOf(ctx, () => setNoop(noop_lockfile, reason, noop_expires, ctx.clock.now().wallMs))
  }

  liftNoop(ctx: Context): void {
    const { noop_lockfile } = this.#script.file
    if (noop_lockfile !== undefined) warnOf(ctx, () => liftNoop(noop_lockfile))
  }
}

/** Does a part of what a flag asks for, and ends it when it takes too long. */
async function bounded<T>(ctx: Context, part: (ctx: Context) => Promise<T>): Promise<T> {
  using limit = scope(ctx.signal)
  const cancel = ctx.clock.after(HANDLING_MS, () => limit.abort(UNHANDLED))
  try {
    return await part({ ...ctx, signal: limit.signal })
  } finally {
    cancel()
  }
}

/** Services are not left running, nor down, for want of a lockfile. */
function warnOf(ctx: Context, task: () => void): void {
  try {
    task()
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`${thrown.message}; checks may mind what follows`)
  }
}

export function clusterOf({ cluster_key, consul_service, service_filter }: InitFile): ClusterId {
  return { service: consul_service, key: `${cluster_key}/${consul_service}`, nodes: service_filter }
}
