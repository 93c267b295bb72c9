/** What an application may be called. */
export const APPLICATION_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/

/**
 * What an application's agents keep at Consul. With the default `lock_key`, `lock/<name>/leader`:
 *
 * - `lock/<name>/leader`: the lock. Its value is the master's `LeaderRecord`; it counts only while a session holds it.
 * - `lock/<name>/nodes/<node>`: a node's `NodeSwitches`
 * - `lock/<name>/positions/<node>`: how much it has, a `SaidPosition`
 * - `lock/<name>/cluster`: the `ClusterSwitches`
 * - `lock/<name>/note`: the `Note` of the last master; only handlers of ours have one
 * - `lock/<name>/history`: the `History`, which only tells
 * - `lock/<name>/promotion`: a `Promotion`, by a person who accepts that writes are lost
 * - `lock/<name>/reinit/<node>`: a `ReinitRequest`, which stands until it is met
 * - `lock/<name>/step-down`: a `StepDown` that the master takes and deletes
 * - `lock/<name>/switchover`: a `ScheduledSwitchover`, which the master makes a `StepDown` of when its time has come
 *
 * A `lock_key` that doesn't end in `/leader` is itself the folder of the others. Switches, history, reinit requests and
 * the scheduled switchover are changed by check-and-set, so that of two operators none undoes what the other did. The
 * others are simply written: a position has one writer; of two step-downs or promotions the newer one counts; and a
 * master whose note is written over by a late one writes it again.
 */
export interface LeaderKeys {
  readonly lock: string
  /** All keys begin with this, and so may others'. */
  readonly prefix: string
  readonly cluster: string
  readonly stepDown: string
  readonly switchover: string
  readonly promotion: string
  readonly note: string
  readonly history: string
  /** The folder of requests to nodes, slash included. */
  readonly reinit: string
  /** The folder of the nodes' switches, slash included. */
  readonly nodes: string
  /** The folder of how much the nodes have, slash included. */
  readonly positions: string
}

/** The keys of an application. */
export function leaderKeys(name: string, lockKey = `lock/${name}/leader`): LeaderKeys {
  const stored = lockKey.replace(/\/leader$/, '')
  const prefix = stored === lockKey ? lockKey : `${stored}/`
  return {
    lock: lockKey,
    prefix,
    cluster: `${stored}/cluster`,
    stepDown: `${stored}/step-down`,
    switchover: `${stored}/switchover`,
    promotion: `${stored}/promotion`,
    note: `${stored}/note`,
    history: `${stored}/history`,
    reinit: `${stored}/reinit/`,
    nodes: `${stored}/nodes/`,
    positions: `${stored}/positions/`,
  }
}
