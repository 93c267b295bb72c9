import type { Context } from '../base/context.ts'
import type { Consul } from '../consul/consul.ts'
import { deregisterService, registerService, type ServiceDefinition, updateCheck } from '../consul/services.ts'

/**
 * Consul forgets an instance whose monitor has died, and has not come back for this long. It takes a minute at least.
 */
const FORGET_AFTER_MS = 60_000

/** An instance of a service, as its monitor tells Consul of it. */
export interface InstanceRegistration {
  readonly label: string
  readonly serviceId: string
  /** Without one it is the node's. */
  readonly address: string | undefined
  readonly port: number | undefined
  readonly meta: Readonly<Record<string, string>>
  /** Silence of this length is our death, in milliseconds. */
  readonly ttlMs: number
}

/** Whether an instance stands in Consul. What is there is healthy, and watched over. */
export class RegisteredInstance {
  readonly #consul: Consul
  readonly #definition: ServiceDefinition
  /** `undefined`: a monitor before us may have left it there. */
  #present: boolean | undefined
  /** The agent tells its servers of an instance, and of its end, by the token that registered it, and by no other. */
  #token: string | undefined

  constructor(consul: Consul, { label, serviceId, address, port, meta, ttlMs }: InstanceRegistration) {
    this.#consul = consul
    // Ids are unique on a node, and a node may have one id (its host name) in several labels.
    const id = `${label}:${serviceId}`
    this.#definition = {
      id,
      name: label,
      ...(address === undefined ? {} : { address }),
      ...(port === undefined ? {} : { port }),
      meta,
      check: {
        id: `service:${id}`,
        name: 'as its monitor sees it',
        status: 'passing',
        deregisterAfterMs: FORGET_AFTER_MS,
        ttlMs,
      },
    }
  }

  /** The instance is healthy: it is put in if it isn't there, or was lost by its agent. */
  async confirm(ctx: Context, why: string): Promise<void> {
    const { check } = this.#definition
    const isKnown = this.#present && (await updateCheck(ctx, this.#consul, check.id, 'passing', why))
    if (isKnown && this.#token === this.#consul.token.value) return
    if (this.#present && !isKnown) ctx.log.warn('the agent no longer knows the instance; registering it again')
    await this.#register(ctx, 'passing')
    this.#present = true
  }

  async #register(ctx: Context, status: 'passing' | 'critical'): Promise<void> {
    const { check } = this.#definition
    await registerService(ctx, this.#consul, { ...this.#definition, check: { ...check, status } })
    this.#token = this.#consul.token.value
  }

  /** The instance isn't healthy, or we end: it is taken out. */
  async deregister(ctx: Context): Promise<void> {
    if (this.#present === false) return
    await deregisterService(ctx, this.#consul, this.#definition.id)
    if (this.#present && this.#token !== this.#consul.token.value) {
      await this.#register(ctx, 'critical')
      await deregisterService(ctx, this.#consul, this.#definition.id)
    }
    this.#present = false
  }
}
