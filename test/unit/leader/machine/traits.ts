import type { AgentTraits } from '../../../../src/leader/machine/agent-state.ts'

/** A node that may lead; what a test is about comes over it. */
export const TRAITS: AgentTraits = {
  node: 'n1',
  nofailover: false,
  priority: 0,
  minLeaderMs: 0,
  maxLag: 0n,
  canDemote: true,
  canFence: true,
  canStandBy: false,
  asksReadiness: false,
}
