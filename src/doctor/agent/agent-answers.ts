import type { Context } from '../../base/context.ts'
import type { Consul } from '../../consul/consul.ts'
import { isIndex, isName, isObject, textIn } from '../../consul/fields.ts'
import { failureOf, isDenial, isSpokenByConsul, replyText } from '../../consul/reply-failure.ts'
import type { ApiCall } from '../../consul/wire.ts'
import { ASKING_MS, QUICK_MS } from '../inspection-timeouts.ts'
import { trySession } from '../node/session-trial.ts'

/** The servers' leader as the agent knows it; or what keeps the agent from knowing, in Consul's words. */
export type LeaderAnswer = { readonly address: string } | { readonly trouble: string }

/** What an agent tells of itself. */
export interface AgentConfiguration {
  readonly node: string
  readonly version: string
  readonly isServer: boolean
  /** `undefined` where it doesn't tell. */
  readonly leavesOnTerminate: boolean | undefined
  /** Connections that one address may have; 0 is any number. */
  readonly mostConnections: number | undefined
}

/** What an agent says to the questions of several inspections. Each is asked once; who asks first says for how long. */
export class AgentAnswers {
  readonly #consul: Consul
  readonly #kept = new Map<string, Promise<unknown>>()

  constructor(consul: Consul) {
    this.#consul = consul
  }

  /** Rejects with a `Failure` when this is no agent, or none that answers. */
  leader(ctx: Context): Promise<LeaderAnswer> {
    return this.#once('leader', async () => {
      const call = get('/v1/status/leader', QUICK_MS)
      const reply = await this.#consul.exchange(ctx, call)
      if (isSpokenByConsul(reply)) return { trouble: replyText(reply) }
      const failure = failureOf(reply, call, this.#consul.settings.address.text)
      if (failure) throw failure
      const address = /^"([^"]*)"$/.exec(reply.text.trim())?.[1]
      if (address === undefined) throw this.#consul.protocolError('a leader without an address')
      this.#consul.confirmed = true
      return address === '' ? { trouble: 'No cluster leader' } : { address }
    })
  }

  /** `'denied'` when the token may not read it. */
  configuration(ctx: Context): Promise<AgentConfiguration | 'denied'> {
    return this.#once('configuration', async () => {
      const call = get('/v1/agent/self', ASKING_MS)
      const reply = await this.#consul.exchange(ctx, call)
      if (isDenial(reply)) return 'denied'
      const failure = failureOf(reply, call, this.#consul.settings.address.text)
      if (failure) throw failure
      const configuration = configurationIn(this.#consul.json(reply))
      if (!configuration) throw this.#consul.protocolError('an agent without a node name')
      return configuration
    })
  }

  /** What Consul says to a session on this node that it can't create. */
  session(ctx: Context): Promise<string> {
    return this.#once('session', () => trySession(ctx, this.#consul))
  }

  #once<T>(question: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(question)
    if (known) return known as Promise<T>
    const answer = ask()
    this.#kept.set(question, answer)
    return answer
  }
}

function get(path: string, timeoutMs: number): ApiCall {
  return { method: 'GET', path, timeoutMs, needs: '' }
}

/** What is told at /v1/agent/self; `undefined` when it is something else. */
export function configurationIn(json: unknown): AgentConfiguration | undefined {
  const { Config, DebugConfig } = isObject(json) ? json : {}
  const { NodeName: node, Version, Server } = isObject(Config) ? Config : {}
  if (!isName(node)) return undefined
  const { LeaveOnTerm, HTTPMaxConnsPerClient: most } = isObject(DebugConfig) ? DebugConfig : {}
  return {
    node,
    version: textIn(Version),
    isServer: Server === true,
    leavesOnTerminate: typeof LeaveOnTerm === 'boolean' ? LeaveOnTerm : undefined,
    mostConnections: most === -1 ? 0 : isIndex(most) ? most : undefined,
  }
}
