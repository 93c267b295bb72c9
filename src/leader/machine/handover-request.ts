/** What an operator asks of a master. */
export interface HandoverRequest {
  /** The request's index at Consul. */
  readonly index: number
  /** Even before `min_leader_time`, to one that lacks something, or to nobody. */
  readonly force: boolean
  /** To this node and no other. */
  readonly candidate: string | undefined
}

/** A request that is being looked into. */
export interface Handover extends HandoverRequest {
  readonly sinceMs: number
  /** What we had when it came: whoever takes over must have that. */
  readonly target: bigint | undefined
}
