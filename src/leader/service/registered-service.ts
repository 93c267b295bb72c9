import type { Context } from '../../base/context.ts'
import type { Consul } from '../../consul/consul.ts'
import {
  deregisterService,
  type LocalService,
  localServices,
  registerService,
  type ServiceDefinition,
  updateCheck,
} from '../../consul/services.ts'
import {
  agentCheckId,
  healthCheckId,
  type PublishedState,
  type ServiceTerms,
  serviceDefinition,
} from './service-definition.ts'

/** A service at Consul's agent, and what we have told the agent of it. Everything here rejects with a `Failure`. */
export class RegisteredService {
  readonly #consul: Consul
  #shown = ''
  #tag = ''
  /** The agent tells its servers of a service, and of its end, by the token that registered it, and by no other. */
  #token: string | undefined

  constructor(consul: Consul) {
    this.#consul = consul
  }

  /** Registers what isn't as it should be, and tells Consul that we are here and how the application is. */
  async refresh(ctx: Context, terms: ServiceTerms, state: PublishedState): Promise<void> {
    const wanted = serviceDefinition(terms, state)
    const shown = JSON.stringify({ ...wanted, check: undefined, moreChecks: undefined })
    if (shown !== this.#shown || this.#hasOldToken()) await this.#register(ctx, wanted, shown)
    else {
      const found = (await localServices(ctx, this.#consul)).get(wanted.id)
      if (!isAsWanted(found, wanted)) await this.#registerAgain(ctx, wanted, shown)
    }
    if (!(await this.#report(ctx, terms, state))) {
      await this.#registerAgain(ctx, wanted, shown)
      await this.#report(ctx, terms, state)
    }
  }

  /** Takes the service out. */
  async remove(ctx: Context, terms: ServiceTerms): Promise<void> {
    await deregisterService(ctx, this.#consul, terms.name)
    if (!this.#hasOldToken()) return
    const gone = { role: 'unhealthy', candidate: false, healthy: false, message: 'taken out' } as const
    await registerService(ctx, this.#consul, serviceDefinition(terms, gone))
    await deregisterService(ctx, this.#consul, terms.name)
  }

  /** Settles with `false` when the agent doesn't know our checks. */
  async #report(ctx: Context, { name }: ServiceTerms, { healthy, message }: PublishedState): Promise<boolean> {
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
}

function isAsWanted(found: LocalService | undefined, { tags = [], port, meta = {} }: ServiceDefinition): boolean {
  return (
    found !== undefined &&
    found.port === port &&
    JSON.stringify(found.tags) === JSON.stringify(tags) &&
    Object.entries(meta).every(([name, value]) => found.meta[name] === value)
  )
}
