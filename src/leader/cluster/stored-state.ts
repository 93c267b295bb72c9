import { sleep } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { BlockingQuery } from '../../consul/blocking-query.ts'
import type { Consul } from '../../consul/consul.ts'
import { type Entry, watchKeys } from '../../consul/kv.ts'
import { Retry } from '../../consul/retry.ts'
import { storedAs } from '../../consul/stored-value.ts'
import { isPlain } from '../application/command-line.ts'
import type { EffectiveSwitches, Leader } from '../machine/agent-state.ts'
import { handoverAskedAt, type Occasion, reignOf, type SaidPosition, vacancyAfter } from '../machine/occasion.ts'
import { PROMOTION, type Promotion } from './accepted-loss.ts'
import {
  CLUSTER_SWITCHES,
  type ClusterSwitches,
  isFrozen,
  NODE_SWITCHES,
  type NodeSwitches,
  STEP_DOWN,
  type StepDown,
} from './cluster-switches.ts'
import type { LeaderKeys } from './leader-keys.ts'
import { LEADER_RECORD, type LeaderRecord } from './leader-record.ts'
import { SAID_POSITION } from './positions.ts'
import { REINIT_REQUEST, type ReinitRequest } from './reinit-request.ts'
import { SCHEDULED_SWITCHOVER, type StoredSchedule } from './scheduled-switchover.ts'

/** All that stands at Consul about an application's cluster. */
export interface StoredState {
  /** The lock's holder, whoever it is; `undefined` while nobody holds it. */
  readonly holder: (Partial<LeaderRecord> & { readonly session: string }) | undefined
  readonly nodes: ReadonlyMap<string, NodeSwitches>
  /** What the nodes have said of how much they have, last. */
  readonly positions: ReadonlyMap<string, SaidPosition>
  /** Which nodes are to take the master's data. */
  readonly reinits: ReadonlyMap<string, ReinitRequest>
  readonly cluster: ClusterSwitches
  /** A person has a node lead, whatever it lacks. */
  readonly promotion: Promotion | undefined
  readonly stepDown: { readonly request: StepDown; readonly index: number } | undefined
  readonly schedule: StoredSchedule | undefined
}

/** Sorts the keys of a cluster; others with the same beginning don't matter. */
export function storedStateOf(keys: LeaderKeys, entries: readonly Entry[]): StoredState {
  const at = (key: string) => entries.find((entry) => entry.key === key)
  const lock = at(keys.lock)
  const stepDown = at(keys.stepDown)
  const promotion = at(keys.promotion)
  const scheduled = at(keys.switchover)
  const switchover = scheduled && storedAs(SCHEDULED_SWITCHOVER, scheduled.value)
  const request = stepDown && storedAs(STEP_DOWN, stepDown.value)
  const under = (folder: string) =>
    entries
      .filter(({ key }) => key.startsWith(folder))
      .map(({ key, value }) => [key.slice(folder.length), value] as const)
  return {
    holder: lock?.session ? { ...storedAs(LEADER_RECORD, lock.value), session: lock.session } : undefined,
    nodes: new Map(under(keys.nodes).map(([node, value]) => [node, storedAs(NODE_SWITCHES, value) ?? {}])),
    positions: new Map(
      under(keys.positions).flatMap(([node, value]) => {
        const said = storedAs(SAID_POSITION, value)
        return said ? [[node, said]] : []
      }),
    ),
    reinits: new Map(
      under(keys.reinit).flatMap(([node, value]) => {
        const asked = storedAs(REINIT_REQUEST, value)
        return asked ? [[node, asked]] : []
      }),
    ),
    cluster: clusterSwitches(at(keys.cluster)),
    promotion: promotion && storedAs(PROMOTION, promotion.value),
    stepDown: request && { request, index: stepDown.modifyIndex },
    schedule: switchover && { switchover, index: scheduled.modifyIndex },
  }
}

/** What nobody can read may have said that there were too many failovers. */
function clusterSwitches(entry: Entry | undefined): ClusterSwitches {
  if (!entry) return {}
  const why = `the key ${entry.key} holds nothing of an agent's`
  return storedAs(CLUSTER_SWITCHES, entry.value) ?? { frozen: { why } }
}

/** What positions are to be said for now. */
export function occasionIn({ holder, cluster, stepDown }: StoredState): Occasion {
  const { term = 0 } = cluster
  if (holder?.promoted !== true) return vacancyAfter(term)
  const isAsked = stepDown && stepDown.request.node === holder.node && stepDown.request.refused === undefined
  return isAsked ? handoverAskedAt(stepDown.index) : reignOf(term)
}

/** What the nodes but this one have said on an occasion. */
export function saidOn(occasion: Occasion, node: string, { positions }: StoredState): ReadonlyMap<string, bigint> {
  const fresh = [...positions].filter(([other, said]) => other !== node && said.occasion === occasion)
  return new Map(fresh.map(([other, { position }]) => [other, position]))
}

/** What the switches amount to for a node at this time of the wall clock. */
export function effectiveSwitches(
  { nodes, cluster }: Pick<StoredState, 'nodes' | 'cluster'>,
  node: string,
  nowMs: number,
): EffectiveSwitches {
  const own = nodes.get(node)
  const lasts = (until: unknown) => typeof until === 'string' && Date.parse(until) > nowMs
  return {
    disabled: own?.disabled === true,
    maintenance: lasts(own?.maintenanceUntil) || lasts(cluster.maintenanceUntil),
    frozen: isFrozen(cluster, nowMs),
  }
}

/** Who else leads. A record that somebody wrote by hand names nobody: its words would stand in commands. */
export function leaderIn({ holder }: Pick<StoredState, 'holder'>): Leader | undefined {
  if (!holder) return undefined
  const { node, address, port, promoted = false } = holder
  if (typeof node !== 'string' || typeof address !== 'string' || typeof port !== 'number') return undefined
  const leader = { node, address, port, promoted: promoted === true }
  return isPlain(leader) ? leader : undefined
}

const PAUSE_MS = 5000

/** Calls `receive` with the cluster's state at each change, until the signal aborts. It tells of trouble once. */
export async function watchStoredState(
  ctx: Context,
  consul: Consul,
  keys: LeaderKeys,
  receive: (stored: StoredState) => void,
): Promise<void> {
  const retry = new Retry(consul)
  const query = new BlockingQuery((ctx, from) => watchKeys(ctx, consul, keys.prefix, from))
  let complaint = ''
  while (!ctx.signal.aborted) {
    try {
      const reading = await retry.until(ctx, () => query.next(ctx))
      complaint = ''
      receive(storedStateOf(keys, reading.entries))
    } catch (thrown) {
      if (ctx.signal.aborted) return
      if (!(thrown instanceof Failure)) throw thrown
      if (thrown.message !== complaint) ctx.log.error(`${thrown.message}${thrown.hint ? ` (${thrown.hint})` : ''}`)
      complaint = thrown.message
      await sleep(ctx, PAUSE_MS).catch(() => {})
    }
  }
}
