import { withTimeout } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import type { ConsulSettings } from './consul-settings.ts'
import { debugReply, debugRequest } from './debug-log.ts'
import { Reachability } from './reachability.ts'
import { failureOf, isDenial, isSpokenByConsul, notConsul, replyText } from './reply-failure.ts'
import { Token } from './token.ts'
import type { ApiCall, Transport, WireReply, WireRequest } from './wire.ts'

/**
 * How long one ordinary request may take where nothing is at stake: longer than the 7 s for which an agent holds a
 * request while there is no leader (rpc_hold_timeout), so that what it says then is heard.
 */
export const REQUEST_TIMEOUT_MS = 10_000

/** A refusal is old news when the agent takes longer to say who it is. */
const ASKING_MS = 1000

/** What all clients of one agent have in common. */
interface SharedState {
  readonly reachability: Reachability
  readonly token: Token
  /** Those that haven't been told yet. */
  readonly warnings: string[]
}

/** One agent, as one client sees it: scope and token on every request, every reply judged. */
export class Consul {
  readonly settings: ConsulSettings
  /** All ACL rules that our mode needs: whoever lacks one of them lacks the others, too, as a rule. */
  rules: readonly string[] = []
  readonly #transport: Transport
  readonly #shared: SharedState

  constructor(settings: ConsulSettings, transport: Transport, acquaintance = sharedState(settings)) {
    this.settings = settings
    this.#transport = transport
    this.#shared = acquaintance
  }

  /** The same agent, asked for another datacenter. */
  inDatacenter(datacenter: string): Consul {
    const other = new Consul({ ...this.settings, datacenter }, this.#transport, this.#shared)
    other.rules = this.rules
    return other
  }

  get reachability(): Reachability {
    return this.#shared.reachability
  }

  get token(): Token {
    return this.#shared.token
  }

  /** Whether this address has ever answered as Consul does; who reads an answer that only Consul gives says so. */
  get confirmed(): boolean {
    return this.reachability.confirmed
  }

  set confirmed(confirmed: boolean) {
    this.reachability.confirmed = confirmed
  }

  /**
   * Settles with the reply when its status is 200 or expected. Rejects with a `Failure`, or with the reason of the
   * context's signal. A rejected call may or may not have had its effect; one that is refused may be made once more,
   * with the token that stands in the token's file now.
   */
  async call(ctx: Context, call: ApiCall): Promise<WireReply> {
    for (;;) {
      const token = this.token.value
      const reply = await this.exchange(ctx, call)
      if (isSpokenByConsul(reply)) this.confirmed = true
      if (!isDenial(reply)) {
        const failure = failureOf(reply, call, this.settings.address.text)
        if (failure) throw failure
        return reply
      }
      if (token === this.token.value && !this.token.reload()) throw await this.denial(ctx, call, replyText(reply))
      ctx.log.debug('the token was replaced; asking again')
    }
  }

  /** Settles with whatever is answered. Rejects with a `Failure` when nothing is, or with the signal's reason. */
  async exchange(ctx: Context, call: ApiCall): Promise<WireReply> {
    const token = this.token.value
    const request: WireRequest = {
      method: call.method,
      path: call.path + this.#query(call),
      ...(call.body === undefined ? {} : { body: call.body }),
      ...(token === undefined ? {} : { token }),
      ...(call.longPoll ? { longPoll: true } : {}),
      ...(call.receive ? { receive: call.receive } : {}),
    }
    for (const warning of this.#shared.warnings.splice(0)) ctx.log.warn(warning)
    if (ctx.log.debugging) debugRequest(ctx.log, request, this.settings, this.token)
    const timeoutMs = this.reachability.attemptMs(ctx.clock, call.timeoutMs)
    const late = () => this.silence(timeoutMs)
    const reply = await withTimeout(ctx, timeoutMs, late, ({ signal }) => this.#transport.send(request, signal)).catch(
      (thrown: unknown) => {
        throw this.confirmed ? thrown : unlessEndless(this.settings.address.text, thrown)
      },
    )
    if (ctx.log.debugging) debugReply(ctx.log, request, reply, this.settings, this.token)
    return reply
  }

  /** Why Consul refuses a call, in these words of its own. */
  async denial(ctx: Context, call: ApiCall, words: string): Promise<Failure> {
    const { denialOf } = await import('./denial.ts')
    const denial = await denialOf({
      address: this.settings.address.text,
      call,
      words,
      rules: this.rules.length > 0 ? this.rules : [call.needs],
      hasToken: this.token.value !== undefined,
      ask: (path) => this.exchange(ctx, { method: 'GET', path, timeoutMs: ASKING_MS, needs: '' }),
    })
    if (denial.code === 'unavailable') this.confirmed = true
    return denial
  }

  /** That nothing has answered for so long. */
  silence(afterMs: number): Failure {
    const { text } = this.settings.address
    return new Failure('unreachable', `nothing answered at ${text} within ${formatDuration(afterMs)}`, {
      hint: 'is that the HTTP port of a Consul agent, and is the agent healthy?',
    })
  }

  #query(call: ApiCall): string {
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
      throw this.protocolError('no JSON')
    }
  }

  /** The failure of an answer that Consul doesn't give. */
  protocolError(what: string): Failure {
    return notConsul(this.settings.address.text, what)
  }

  close(): void {
    this.#transport.close()
  }
}

function sharedState({ patienceMs, token, tokenFile, warnings }: ConsulSettings): SharedState {
  return { reachability: new Reachability(patienceMs), token: new Token(token, tokenFile), warnings: [...warnings] }
}

/** What was never confirmed to be Consul, and doesn't stop, is something else. */
function unlessEndless(address: string, thrown: unknown): unknown {
  if (!(thrown instanceof Failure) || thrown.code !== 'too-large') return thrown
  return notConsul(address, 'its answer has no end')
}
