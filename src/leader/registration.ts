import { scope, sleep, unlessAborted, withDeadline } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import {
  deregisterService,
  type LocalService,
  localServices,
  registerService,
  type ServiceDefinition,
  updateCheck,
} from '../consul/services.ts'
import { hushed } from './hushed.ts'
import { type Appearance, agentCheckId, definitionOf, healthCheckId, type ServiceTerms } from './service-definition.ts'

/** A service as its agent shows it; simulation has another. */
export interface Registration {
  /** Registered for the first time. */
  readonly done: Promise<void>
  show(appearance: Appearance): void
  /** Keeps what is shown registered, until the signal aborts. */
  keep(ctx: Context): Promise<void>
  /** Takes the service out. Gives up, with a warning, when that can't be done soon. */
  remove(ctx: Context): Promise<void>
}

const REMOVING_MS = 5000
/** So often within the silence that Consul takes for our end we speak at least. */
const BEATS = 4

/** Keeps a service registered as it is to be seen: at each change, and again when the agent has lost it. */
export class ConsulRegistration implements Registration {
  readonly done: Promise<void>
  readonly #consul: Consul
  readonly #intervalMs: number
  #terms: ServiceTerms
  #appearance: Appearance | undefined
  #wake: () => void = () => {}
  #registered: () => void
  #shown = ''
  /** The agent tells its servers of a service, and of its end, by the token that registered it, and by no other. */
  #token: string | undefined
  #tag = ''
  #complaint = ''

  constructor(consul: Consul, terms: ServiceTerms, intervalMs: number) {
    this.#consul = consul
    this.#terms = terms
    this.#intervalMs = intervalMs
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.#registered = resolve
  }

  show(appearance: Appearance): void {
    const { role, candidate, healthy } = this.#appearance ?? {}
    this.#appearance = appearance
    const isNews = appearance.role !== role || appearance.candidate !== candidate || appearance.healthy !== healthy
    if (isNews) this.#wake()
  }

  /** Other terms from now on. */
  change(terms: ServiceTerms): void {
    this.#terms = terms
    this.#wake()
  }

  async keep(ctx: Context): Promise<void> {
    const retry = new Retry(this.#consul)
    while (!ctx.signal.aborted) {
      using pause = scope(ctx.signal)
      this.#wake = () => pause.abort(new Error('something new is to be seen'))
      try {
        if (this.#appearance) await retry.until(hushed(ctx), () => this.#refresh(ctx))
        this.#complaint = ''
      } catch (thrown) {
        if (ctx.signal.aborted) return
        if (!(thrown instanceof Failure)) throw thrown
        if (thrown.message !== this.#complaint)
          ctx.log.error(`${thrown.message}${thrown.hint ? ` (${thrown.hint})` : ''}`)
        this.#complaint = thrown.message
      }
      const { checkIntervalMs, silenceMs } = this.#terms
      const pauseMs = Math.min(this.#intervalMs, checkIntervalMs, silenceMs / BEATS)
      await sleep(under(ctx, pause.signal), pauseMs).catch(() => {})
    }
  }

  /** Registers what isn't as it should be, and tells Consul that we are here and how the application is. */
  async #refresh(ctx: Context): Promise<void> {
    if (!this.#appearance) return
    const wanted = definitionOf(this.#terms, this.#appearance)
    const shown = JSON.stringify({ ...wanted, check: undefined, moreChecks: undefined })
    if (shown !== this.#shown || this.#hasOldToken()) await this.#register(ctx, wanted, shown)
    else {
      const found = (await localServices(ctx, this.#consul)).get(wanted.id)
      if (!isAsWanted(found, wanted)) await this.#registerAgain(ctx, wanted, shown)
    }
    if (!(await this.#report(ctx, this.#appearance))) {
      await this.#registerAgain(ctx, wanted, shown)
      await this.#report(ctx, this.#appearance)
    }
    this.#registered()
  }

  /** Settles with `false` when the agent doesn't know our checks. */
  async #report(ctx: Context, { healthy, message }: Appearance): Promise<boolean> {
    const { name } = this.#terms
    const update = (id: string, isFine: boolean, output: string) =>
      updateCheck(ctx, this.#consul, id, isFine ? 'passing' : 'critical', output)
    const known = await Promise.all([
      update(agentCheckId(name), true, 'the agent is here'),
      update(healthCheckId(name), healthy, message),
    ])
    return known.every(Boolean)
  }

  #registerAgain(ctx: Context, wanted: ServiceDefinition, shown: string): Promise<void> {
    ctx.log.warn(`the agent doesn't have the service ${wanted.id} as it was registered; registering it again`)
    return this.#register(ctx, wanted, shown)
  }

  async #register(ctx: Context, wanted: ServiceDefinition, shown: string): Promise<void> {
    await registerService(ctx, this.#consul, wanted)
    this.#token = this.#consul.token.value
    if (this.#shown === '') ctx.log.notice(`registered ${wanted.id} in Consul`)
    const [tag = ''] = wanted.tags ?? []
    if (tag !== this.#tag) ctx.log.notice(`the tag of ${wanted.id} is ${tag}`)
    this.#shown = shown
    this.#tag = tag
  }

  #hasOldToken(): boolean {
    return this.#shown !== '' && this.#token !== this.#consul.token.value
  }

  async #remove(ctx: Context): Promise<void> {
    const { name } = this.#terms
    await deregisterService(ctx, this.#consul, name)
    if (!this.#hasOldToken()) return
    const gone = { role: 'unhealthy', candidate: false, healthy: false, message: 'taken out' } as const
    await registerService(ctx, this.#consul, definitionOf(this.#terms, gone))
    await deregisterService(ctx, this.#consul, name)
  }

  async remove(ctx: Context): Promise<void> {
    try {
      await unlessAborted(
        ctx.signal,
        withDeadline(ctx, REMOVING_MS, (ctx) => this.#remove(ctx)),
      )
    } catch (thrown) {
      ctx.log.warn(`the service ${this.#terms.name} could not be deregistered: ${messageOf(thrown)}`)
    }
  }
}

function isAsWanted(found: LocalService | undefined, { tags = [], port, meta = {} }: ServiceDefinition): boolean {
  return (
    found !== undefined &&
    found.port === port &&
    JSON.stringify(found.tags) === JSON.stringify(tags) &&
    Object.entries(meta).every(([name, value]) => found.meta[name] === value)
  )
}
