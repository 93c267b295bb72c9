import { Failure } from '../base/failure.ts'
import { type AskedAgent, hasLeader } from './raft-leader.ts'
import { isUnknownToken } from './reply-failure.ts'
import type { ApiCall, WireReply } from './wire.ts'

/** Stands in a rule for the name of the agent's node. */
const NODE = '<node>'

/** A call that Consul refuses for want of rights; more is asked with the same token. */
export interface Denied extends AskedAgent {
  readonly call: Pick<ApiCall, 'method' | 'path'>
  /** Consul's own. */
  readonly words: string
  /** What the token must allow. */
  readonly rules: readonly string[]
  readonly hasToken: boolean
}

/**
 * Says what is refused, and what helps: all rules that our mode needs at once, for a person who has to ask an operator
 * for each of them. Never rejects.
 *
 * What an agent answers by itself it refuses by itself, also for a token that it knows nothing of because there is no
 * leader whom it could ask: that is no verdict.
 */
export async function denialOf({ address, call, words, rules, hasToken, ask }: Denied): Promise<Failure> {
  if (call.path.startsWith('/v1/agent/') && !(await hasLeader({ address, ask }).catch(() => false))) {
    return new Failure('unavailable', `Consul at ${address} has no leader who knows what the token may do: ${words}`)
  }
  if (isUnknownToken(words)) {
    return new Failure('unknown-token', `Consul at ${address} doesn't know the token: ${words}`, {
      hint: 'was it deleted, or is it of another cluster? See --token-file, --token and CONSUL_HTTP_TOKEN',
    })
  }
  const all = rules.join(' ')
  const node = all.includes(NODE) ? await ask('/v1/agent/self').then(nodeIn, () => undefined) : undefined
  const named = node === undefined ? all : all.replaceAll(NODE, () => node)
  const where = named.includes(NODE) ? `, with the name of the agent's node for ${NODE}` : ''
  const whose = hasToken ? 'the token' : 'no token was given; one'
  return new Failure('refused', `Consul at ${address} refuses ${call.method} ${call.path}: ${words}`, {
    hint: `${whose} (--token-file, CONSUL_HTTP_TOKEN) needs the ACL ${rules.length > 1 ? 'rules' : 'rule'}: ${named}${where}`,
  })
}

/** The name of the agent's node, if the token may learn it. */
function nodeIn({ status, text }: WireReply): string | undefined {
  if (status !== 200) return undefined
  const { Config } = JSON.parse(text) as { Config?: { NodeName?: unknown } }
  const node = Config?.NodeName
  return typeof node === 'string' && /^[\w.-]+$/.test(node) ? node : undefined
}
