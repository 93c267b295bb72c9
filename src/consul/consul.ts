import { within } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { debugReply, debugRequest } from './debug.ts'
import type { ConsulSettings } from './settings.ts'
import { failureOf, notConsul } from './trouble.ts'
import type { Call, Transport, WireReply, WireRequest } from './wire.ts'

/** How long one ordinary request may take. Agents hold requests for up to 7 s while there is no leader. */
export const ATTEMPT_MS = 3000

/** One agent, as one client sees it: scope and token on every request, every reply judged. */
export class Consul {
  readonly settings: ConsulSettings
  readonly #transport: Transport
  /**
   * Whether this address has ever answered as Consul does; who reads an answer that only Consul gives says so. What
   * fails afterwards is trouble, not a wrong address.
   */
  heard = false

  constructor(settings: ConsulSettings, transport: Transport) {
    this.settings = settings
    this.#transport = transport
  }

  /** The same agent, asked for another datacenter. */
  inDatacenter(datacenter: string): Consul {
    return new Consul({ ...this.settings, datacenter }, this.#transport)
  }

  /**
   * Settles with the reply when its status is 200 or expected. Rejects with a `Failure`, or with the reason of the
   * context's signal. A rejected call may or may not have had its effect.
   */
  async call(ctx: Context, call: Call): Promise<WireReply> {
    const request: WireRequest = {
      method: call.method,
      path: call.path + this.#query(call),
      ...(call.body === undefined ? {} : { body: call.body }),
      ...(call.longPoll ? { longPoll: true } : {}),
    }
    if (ctx.log.debugging) debugRequest(ctx.log, request, this.settings)
    const reply = await this.#send(ctx, call, request)
    if (ctx.log.debugging) debugReply(ctx.log, request, reply, this.settings)
    const failure = failureOf(reply, call, this.settings.address.text)
    if (failure) throw failure
    return reply
  }

  async #send(ctx: Context, call: Call, request: WireRequest): Promise<WireReply> {
    const late = () => this.#silence(call)
    try {
      return await within(ctx, call.timeoutMs, late, ({ signal }) => this.#transport.send(request, signal))
    } catch (thrown) {
      throw this.heard ? knownSilence(thrown) : unknownFlood(this.settings.address.text, thrown)
    }
  }

  #silence(call: Call): Failure {
    const { text } = this.settings.address
    return new Failure('silent', `nothing answered at ${text} within ${formatDuration(call.timeoutMs)}`, {
      hint: 'is that the HTTP port of a Consul agent, and is the agent healthy?',
    })
  }

  #query(call: Call): string {
    const { datacenter, namespace, partition } = this.settings
    const parts: string[] = []
    const add = (name: string, value: string | true | undefined) => {
      if (value === true) parts.push(name)
      else if (value !== undefined) parts.push(`${name}=${encodeURIComponent(value)}`)
    }
    for (const [name, value] of Object.entries(call.query ?? {})) add(name, value)
    add('dc', datacenter)
    add('ns', namespace)
    add('partition', partition)
    return parts.length === 0 ? '' : `?${parts.join('&')}`
  }

  /** Reads a reply's JSON. Throws a `not-consul` failure when it is none. */
  json(reply: WireReply): unknown {
    try {
      return JSON.parse(reply.text)
    } catch {
      throw this.strange('no JSON')
    }
  }

  /** For an answer that Consul doesn't give. */
  strange(what: string): Failure {
    return notConsul(this.settings.address.text, what)
  }

  close(): void {
    this.#transport.close()
  }
}

/** From an address that is known to be Consul's, silence is an outage. */
function knownSilence(thrown: unknown): unknown {
  if (!(thrown instanceof Failure) || thrown.code !== 'silent') return thrown
  return new Failure('unreachable', thrown.message, thrown)
}

/** Who was never heard to be Consul, and doesn't stop, is something else. */
function unknownFlood(address: string, thrown: unknown): unknown {
  if (!(thrown instanceof Failure) || thrown.code !== 'too-large') return thrown
  return notConsul(address, 'its answer has no end')
}
