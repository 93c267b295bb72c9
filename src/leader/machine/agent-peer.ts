/** An agent of the same application on another node, as Consul knows it. */
export interface Peer {
  readonly node: string
  readonly priority: number
  /** It would take the lock. */
  readonly isCandidate: boolean
  /** It is alive and switched on, however its application is. */
  readonly isPresent: boolean
}
