import { notConsul } from './reply-failure.ts'
import type { WireReply } from './wire.ts'

/** An agent, and a way to ask it. */
export interface AskedAgent {
  readonly address: string
  ask(path: string): Promise<WireReply>
}

/**
 * Whether the agent's servers have a leader. Nobody needs a right to ask this, and no server waits for a leader before
 * it answers: https://developer.hashicorp.com/consul/api-docs/status#get-raft-leader. Rejects as `ask` does, and with
 * a `not-consul` failure.
 */
export async function hasLeader({ address, ask }: AskedAgent): Promise<boolean> {
  const { status, text } = await ask('/v1/status/leader')
  const leader = status === 200 ? /^"([^"]*)"$/.exec(text.trim())?.[1] : undefined
  if (leader === undefined) throw notConsul(address, 'a leader without an address')
  return leader !== ''
}
