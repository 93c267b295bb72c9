import { AbortReason, scope, sleep, unlessAborted, withDeadline } from '../../base/abort.ts'
import { Complaint } from '../../base/complaint.ts'
import { type Context, under } from '../../base/context.ts'
import { Failure, messageOf } from '../../base/failure.ts'
import { quiet } from '../../base/quiet-log.ts'
import type { Consul } from '../../consul/consul.ts'
import { Retry } from '../../consul/retry.ts'
import { RegisteredService } from './registered-service.ts'
import type { PublishedState, ServiceTerms } from './service-definition.ts'

/** A service as its agent shows it; simulation has another. */
export interface ServiceRegistration {
  /** Registered for the first time. */
  readonly done: Promise<void>
  publish(state: PublishedState): void
  /** Keeps what is shown registered, until the signal aborts. */
  keep(ctx: Context): Promise<void>
  /** Takes the service out. Gives up, with a warning, when that can't be done soon. */
  remove(ctx: Context): Promise<void>
}

const REMOVING_MS = 5000
/** So often within the silence that Consul takes for our end we speak at least. */
const BEATS = 4

/** Keeps a service registered as it is to be seen: at each change, and again when the agent has lost it. */
export class ConsulRegistration implements ServiceRegistration {
  readonly done: Promise<void>
  readonly #consul: Consul
  readonly #service: RegisteredService
  #intervalMs: number
  #terms: ServiceTerms
  #published: PublishedState | undefined
  #wake: () => void = () => {}
  #registered: () => void
  readonly #complaint = new Complaint()

  constructor(consul: Consul, terms: ServiceTerms, intervalMs: number) {
    this.#consul = consul
    this.#service = new RegisteredService(consul)
    this.#terms = terms
    this.#intervalMs = intervalMs
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.#registered = resolve
  }

  publish(state: PublishedState): void {
    const { role, candidate, healthy } = this.#published ?? {}
    this.#published = state
    const isNews = state.role !== role || state.candidate !== candidate || state.healthy !== healthy
    if (isNews) this.#wake()
  }

  /** Other terms from now on. */
  change(terms: ServiceTerms, intervalMs: number): void {
    this.#terms = terms
    this.#intervalMs = intervalMs
    this.#wake()
  }

  async keep(ctx: Context): Promise<void> {
    const retry = new Retry(this.#consul)
    while (!ctx.signal.aborted) {
      using pause = scope(ctx.signal)
      this.#wake = () => pause.abort(new AbortReason('something new is to be seen'))
      try {
        await retry.until(quiet(ctx), () => this.#refresh(ctx))
        this.#complaint.end()
      } catch (thrown) {
        if (ctx.signal.aborted) return
        if (!(thrown instanceof Failure)) throw thrown
        const hint = thrown.hint ? ` (${thrown.hint})` : ''
        this.#complaint.tell(`${thrown.message}${hint}`, (text) => ctx.log.error(text))
      }
      const { checkIntervalMs, silenceMs } = this.#terms
      const pauseMs = Math.min(this.#intervalMs, checkIntervalMs, silenceMs / BEATS)
      await sleep(under(ctx, pause.signal), pauseMs).catch(() => {})
    }
  }

  async #refresh(ctx: Context): Promise<void> {
    if (!this.#published) return
    await this.#service.refresh(ctx, this.#terms, this.#published)
    this.#registered()
  }

  async remove(ctx: Context): Promise<void> {
    try {
      await unlessAborted(
        ctx.signal,
        withDeadline(ctx, REMOVING_MS, (ctx) => this.#service.remove(ctx, this.#terms)),
      )
    } catch (thrown) {
      ctx.log.warn(`the service ${this.#terms.name} could not be deregistered: ${messageOf(thrown)}`)
    }
  }
}
