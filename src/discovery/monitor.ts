import { sleep, withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readInstances } from '../consul/instances.ts'
import { Retry } from '../consul/retry.ts'
import { releaseLease } from './lease-release.ts'
import { targetText } from './monitor-target.ts'
import { type InstanceRegistration, RegisteredInstance } from './registered-instance.ts'
import { probeTarget, type TargetProbe } from './target-probe.ts'

/** What is watched, how, and what is told to Consul of it. */
export interface MonitorOptions {
  readonly registration: Omit<InstanceRegistration, 'ttlMs'>
  readonly probe: TargetProbe
  readonly intervalMs: number
}

/** Called when the instance has come up or has gone down, with a sentence. */
export type OnChange = (ctx: Context, up: boolean, sentence: string) => Promise<void>

/** How long we try to take the instance out when we end. */
const LEAVING_MS = 5000
/** What an update may take on its way to Consul. */
const UPDATE_MS = 2000

/**
 * After how much silence of ours Consul takes the instance for dead, in milliseconds: twice the interval (10 s by
 * default), and enough for a look that takes its whole time.
 */
export function silenceMs(intervalMs: number, timeoutMs: number): number {
  return intervalMs + Math.max(intervalMs, timeoutMs + UPDATE_MS)
}

/**
 * Keeps an instance in Consul while it is healthy, and only then. Each time that it becomes healthy, its start-up lease
 * ends. Consul's own trouble is sat out. Never settles: rejects with the signal's reason or a `Failure`; the instance
 * was taken out then, if Consul could be reached.
 */
export async function monitor(
  ctx: Context,
  consul: Consul,
  options: MonitorOptions,
  onChange: OnChange,
): Promise<never> {
  const watch = new InstanceMonitor(consul, options, onChange)
  const retry = new Retry(consul)
  try {
    await retry.until(ctx, () => readInstances(ctx, consul, options.registration.label))
    for (;;) {
      const begun = ctx.clock.now()
      await retry.until(ctx, () => watch.check(ctx))
      await sleep(ctx, Math.max(0, options.intervalMs - ctx.clock.since(begun)))
    }
  } finally {
    await withDeadline(ctx, LEAVING_MS, (ctx) => watch.leave(ctx)).catch((thrown: unknown) => {
      ctx.log.warn(`the instance could not be taken out, and its silence will do it: ${messageOf(thrown)}`)
    })
  }
}

class InstanceMonitor {
  readonly #consul: Consul
  readonly #options: MonitorOptions
  readonly #instance: RegisteredInstance
  readonly #onChange: OnChange
  #up: boolean | undefined

  constructor(consul: Consul, options: MonitorOptions, onChange: OnChange) {
    this.#consul = consul
    this.#options = options
    this.#onChange = onChange
    const ttlMs = silenceMs(options.intervalMs, options.probe.timeoutMs)
    this.#instance = new RegisteredInstance(consul, { ...options.registration, ttlMs })
  }

  async check(ctx: Context): Promise<void> {
    const { healthy, why } = await probeTarget(ctx, this.#options.probe)
    const result = `${targetText(this.#options.probe.target)}: ${why}`
    if (healthy) await this.#instance.confirm(ctx, result)
    else await this.#instance.deregister(ctx)
    if (healthy === this.#up) return
    // First in Consul, then the lease: the next one to start must find this one.
    if (healthy) await this.#endLease(ctx)
    const wasUp = this.#up
    this.#up = healthy
    const { label, serviceId } = this.#options.registration
    const state = healthy ? 'is up' : `is not up${wasUp ? ' and was taken out' : ' yet'}: ${result}`
    await this.#onChange(ctx, healthy, `${label}: ${serviceId} ${state}`)
  }

  async #endLease(ctx: Context): Promise<void> {
    const { label, serviceId } = this.#options.registration
    try {
      const end = await releaseLease(ctx, this.#consul, label, serviceId)
      if (end.kind === 'released') ctx.log.notice(`${label}: the start-up lease of ${serviceId} has ended`)
    } catch (thrown) {
      // Who uses no leases need not give us the right to them.
      if (!(thrown instanceof Failure) || thrown.code !== 'refused') throw thrown
      ctx.log.warn(`the start-up lease, if there is one, can't be ended: ${thrown.message}`)
    }
  }

  async leave(ctx: Context): Promise<void> {
    await this.#instance.deregister(ctx)
  }
}
