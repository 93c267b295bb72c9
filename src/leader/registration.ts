import { scope, sleep, unlessAborted, withDeadline } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { deregisterService, localServices, registerService, type ServiceDefinition } from '../consul/services.ts'
import { hushed } from './hushed.ts'
import type { Role } from './machine/role.ts'

/** What others are to see of us. */
export interface Appearance {
  readonly role: Role
  readonly candidate: boolean
  readonly healthy: boolean
}

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

/** What doesn't change about a service. */
export interface ServiceTerms {
  readonly name: string
  readonly address: string | undefined
  readonly port: number
  readonly tags: readonly string[]
  readonly priority: number
  /** `host:port` of our HTTP interface. */
  readonly api: string
  readonly checkIntervalMs: number
  /** So long a dead agent's guardian may take to hand over before Consul ends its session. */
  readonly handoverMs: number
}

const REMOVING_MS = 5000
const CHECK_TIMEOUT_MS = 1000

/** The check that says whether the application is healthy; by Consul's own rule for ids. */
export function healthCheckId(name: string): string {
  return `service:${name}`
}

/**
 * The check that says whether the agent is there; its sessions depend on it. Not on the application's: that one turning
 * critical would end the session before we have demoted, and close the lock for its lock-delay.
 */
export function agentCheckId(name: string): string {
  return `service:${name}:agent`
}

/** The service with exactly one tag for its role. Its id is its name: one application of a name on one node. */
export function definitionOf(terms: ServiceTerms, { role, candidate, healthy }: Appearance): ServiceDefinition {
  const { name, address, port, tags, priority, api, checkIntervalMs, handoverMs } = terms
  const check = {
    kind: 'http',
    intervalMs: checkIntervalMs,
    timeoutMs: Math.max(CHECK_TIMEOUT_MS, checkIntervalMs),
  } as const
  return {
    id: name,
    name,
    tags: [role, ...tags],
    port,
    ...(address === undefined ? {} : { address }),
    meta: { priority: String(priority), candidate: String(candidate), api },
    check: {
      ...check,
      id: healthCheckId(name),
      name: `Service '${name}' check`,
      url: `http://${api}/health`,
      // For a new check alone: it need not wait for Consul's first look.
      status: healthy ? 'passing' : 'critical',
    },
    moreChecks: [
      {
        ...check,
        id: agentCheckId(name),
        name: `consul-locker leader ${name}`,
        url: `http://${api}/agent`,
        status: 'passing',
        failuresBeforeCritical: Math.ceil(handoverMs / checkIntervalMs) + 1,
      },
    ],
  }
}

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
    const { role, candidate } = this.#appearance ?? {}
    this.#appearance = appearance
    if (appearance.role !== role || appearance.candidate !== candidate) this.#wake()
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
      await sleep(under(ctx, pause.signal), this.#intervalMs).catch(() => {})
    }
  }

  async #refresh(ctx: Context): Promise<void> {
    if (!this.#appearance) return
    const wanted = definitionOf(this.#terms, this.#appearance)
    const shown = JSON.stringify({ ...wanted, check: undefined, moreChecks: undefined })
    const isNew = shown !== this.#shown
    const found = isNew ? undefined : (await localServices(ctx, this.#consul)).get(wanted.id)
    if (found && isAsWanted(found, wanted)) return
    if (!isNew)
      ctx.log.warn(`the agent doesn't have the service ${wanted.id} as it was registered; registering it again`)
    await registerService(ctx, this.#consul, wanted)
    if (this.#shown === '') ctx.log.notice(`registered ${wanted.id} in Consul`)
    const [tag = ''] = wanted.tags ?? []
    if (tag !== this.#tag) ctx.log.notice(`the tag of ${wanted.id} is ${tag}`)
    this.#shown = shown
    this.#tag = tag
    this.#registered()
  }

  async remove(ctx: Context): Promise<void> {
    try {
      await unlessAborted(
        ctx.signal,
        withDeadline(ctx, REMOVING_MS, (ctx) => deregisterService(ctx, this.#consul, this.#terms.name)),
      )
    } catch (thrown) {
      ctx.log.warn(`the service ${this.#terms.name} could not be deregistered: ${messageOf(thrown)}`)
    }
  }
}

function isAsWanted(
  found: { readonly tags: readonly string[]; readonly port: number; readonly meta: Readonly<Record<string, string>> },
  { tags = [], port, meta = {} }: ServiceDefinition,
): boolean {
  return (
    found.port === port &&
    JSON.stringify(found.tags) === JSON.stringify(tags) &&
    Object.entries(meta).every(([name, value]) => found.meta[name] === value)
  )
}
