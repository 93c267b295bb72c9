import { sleep, withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { readInstances } from '../consul/instances.ts'
import { Retry } from '../consul/retry.ts'
import { releaseLease } from './lease-release.ts'
import { type Look, look } from './look.ts'
import { Presence, type Registration } from './presence.ts'
import { targetText } from './target.ts'

/** What is watched, how, and what is told to Consul of it. */
export interface MonitorJob {
  readonly registration: Omit<Registration, 'ttlMs'>
  readonly look: Look
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
export async function monitor(ctx: Context, consul: Consul, job: MonitorJob, onChange: OnChange): Promise<never> {
  const watch = new Watch(consul, job, onChange)
  const retry = new Retry(consul)
  try {
    await retry.until(ctx, () => readInstances(ctx, consul, job.registration.label))
    for (;;) {
      const begun = ctx.clock.now()
      await retry.until(ctx, () => watch.look(ctx))
      await sleep(ctx, Math.max(0, job.intervalMs - ctx.clock.since(begun)))
    }
  } finally {
    await withDeadline(ctx, LEAVING_MS, (ctx) => watch.leave(ctx)).catch((thrown: unknown) => {
      ctx.log.warn(`the instance could not be taken out, and its silence will do it: ${messageOf(thrown)}`)
    })
  }
}

class Watch {
  readonly #consul: Consul
  readonly #job: MonitorJob
  readonly #presence: Presence
  readonly #onChange: OnChange
  #up: boolean | undefined

  constructor(consul: Consul, job: MonitorJob, onChange: OnChange) {
    this.#consul = consul
    this.#job = job
    this.#onChange = onChange
    const ttlMs = silenceMs(job.intervalMs, job.look.timeoutMs)
    this.#presence = new Presence(consul, { ...job.registration, ttlMs })
  }

  async look(ctx: Context): Promise<void> {
    const { healthy, why } = await look(ctx, this.#job.look)
    const finding = `${targetText(this.#job.look.target)}: ${why}`
    if (healthy) await this.#presence.confirm(ctx, finding)
    else await this.#presence.withdraw(ctx)
    if (healthy === this.#up) return
    // First in Consul, then the lease: the next one to start must find this one.
    if (healthy) await this.#endLease(ctx)
    const wasUp = this.#up
    this.#up = healthy
    const { label, serviceId } = this.#job.registration
    const state = healthy ? 'is up' : `is not up${wasUp ? ' and was taken out' : ' yet'}: ${finding}`
    await this.#onChange(ctx, healthy, `${label}: ${serviceId} ${state}`)
  }

  async #endLease(ctx: Context): Promise<void> {
    const { label, serviceId } = this.#job.registration
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
    await this.#presence.withdraw(ctx)
  }
}
