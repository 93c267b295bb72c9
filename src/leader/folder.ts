import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, watchKeys } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { storedAs } from '../consul/stored-value.ts'
import { isPlain } from './command-line.ts'
import {
  CLUSTER_SWITCHES,
  type ClusterSwitches,
  LEADER_RECORD,
  type LeaderKeys,
  type LeaderRecord,
  NODE_SWITCHES,
  type NodeSwitches,
  STEP_DOWN,
  type StepDown,
} from './leader-keys.ts'
import type { Effective, Leader } from './machine/state.ts'

/** All that stands at Consul about an application's cluster. */
export interface Folder {
  /** The lock's holder, whoever it is; `undefined` while nobody holds it. */
  readonly holder: (Partial<LeaderRecord> & { readonly session: string }) | undefined
  readonly nodes: ReadonlyMap<string, NodeSwitches>
  readonly cluster: ClusterSwitches
  readonly stepDown: { readonly request: StepDown; readonly index: number } | undefined
}

/** Sorts the keys of a cluster; others with the same beginning don't matter. */
export function folderOf(keys: LeaderKeys, entries: readonly Entry[]): Folder {
  const at = (key: string) => entries.find((entry) => entry.key === key)
  const lock = at(keys.lock)
  const stepDown = at(keys.stepDown)
  const request = stepDown && storedAs(STEP_DOWN, stepDown.value)
  const ofNodes = entries.filter(({ key }) => key.startsWith(keys.nodes))
  return {
    holder: lock?.session ? { ...storedAs(LEADER_RECORD, lock.value), session: lock.session } : undefined,
    nodes: new Map(
      ofNodes.map(({ key, value }) => [key.slice(keys.nodes.length), storedAs(NODE_SWITCHES, value) ?? {}]),
    ),
    cluster: clusterSwitches(at(keys.cluster)),
    stepDown: request && { request, index: stepDown.modifyIndex },
  }
}

/** What nobody can read may have said that there were too many failovers. */
function clusterSwitches(entry: Entry | undefined): ClusterSwitches {
  if (!entry) return {}
  const why = `the key ${entry.key} holds nothing of an agent's`
  return storedAs(CLUSTER_SWITCHES, entry.value) ?? { frozen: { why } }
}

/** What the switches amount to for a node at this time of the wall clock. */
export function effectiveFor(
  { nodes, cluster }: Pick<Folder, 'nodes' | 'cluster'>,
  node: string,
  nowMs: number,
): Effective {
  const own = nodes.get(node)
  const lasts = (until: unknown) => typeof until === 'string' && Date.parse(until) > nowMs
  return {
    disabled: own?.disabled === true,
    maintenance: lasts(own?.maintenanceUntil) || lasts(cluster.maintenanceUntil),
    frozen: cluster.frozen !== undefined,
  }
}

/** Who else leads. A record that somebody wrote by hand names nobody: its words would stand in commands. */
export function leaderIn({ holder }: Pick<Folder, 'holder'>): Leader | undefined {
  if (!holder) return undefined
  const { node, address, port, promoted = false } = holder
  if (typeof node !== 'string' || typeof address !== 'string' || typeof port !== 'number') return undefined
  const leader = { node, address, port, promoted: promoted === true }
  return isPlain(leader) ? leader : undefined
}

const LONG_POLL_MS = 30_000
const PAUSE_MS = 5000

/** Calls `receive` with the cluster's state at each change, until the signal aborts. It tells of trouble once. */
export async function watchFolder(
  ctx: Context,
  consul: Consul,
  keys: LeaderKeys,
  receive: (folder: Folder) => void,
): Promise<void> {
  const retry = new Retry(consul)
  let index = 0
  let complaint = ''
  while (!ctx.signal.aborted) {
    let from = index
    try {
      const reading = await retry.until(ctx, () => {
        const options = { index: from, waitMs: LONG_POLL_MS }
        from = 0 // What is tried again begins anew: an index may belong to a past that was undone.
        return watchKeys(ctx, consul, keys.prefix, options)
      })
      index = reading.index
      complaint = ''
      receive(folderOf(keys, reading.entries))
    } catch (thrown) {
      if (ctx.signal.aborted) return
      if (!(thrown instanceof Failure)) throw thrown
      if (thrown.message !== complaint) ctx.log.error(`${thrown.message}${thrown.hint ? ` (${thrown.hint})` : ''}`)
      complaint = thrown.message
      index = 0
      await sleep(ctx, PAUSE_MS).catch(() => {})
    }
  }
}
