import type { Consul } from '../consul/consul.ts'
import type { AgentParts } from './agent/agent-parts.ts'
import { promoteWithLoss } from './cluster/accepted-loss.ts'
import { watchPeers } from './cluster/peers.ts'
import { sayPosition } from './cluster/positions.ts'
import { beginSwitchover } from './cluster/scheduled-switchover.ts'
import { answerStepDown } from './cluster/step-down-request.ts'
import { watchStoredState } from './cluster/stored-state.ts'
import { Election } from './election/election.ts'
import type { ElectionTerms } from './election/election-terms.ts'

/** The parts of an agent that are at Consul. */
export function consulParts(consul: Consul, terms: ElectionTerms): ConsulParts {
  const { name, keys, identity } = terms
  return {
    lock: (ctx, listener) => new Election(ctx, consul, terms, listener),
    watchStoredState: (ctx, receive) => watchStoredState(ctx, consul, keys, receive),
    watchPeers: (ctx, receive) => watchPeers(ctx, consul, { name, node: identity.node }, receive),
    sayPosition: (ctx, said) => sayPosition(ctx, consul, keys, identity.node, said),
    promoteWithLoss: (ctx, promote) => promoteWithLoss(ctx, consul, keys, promote),
    beginSwitchover: (ctx, due) => beginSwitchover(ctx, consul, keys, identity.node, due),
    answerStepDown: (ctx, index, refused) => answerStepDown(ctx, consul, keys, index, refused),
  }
}

type ConsulParts = Pick<
  AgentParts,
  'lock' | 'watchStoredState' | 'watchPeers' | 'sayPosition' | 'answerStepDown' | 'beginSwitchover' | 'promoteWithLoss'
>
