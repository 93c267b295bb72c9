import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKeys } from '../consul/kv.ts'
import { prefixIndex } from '../consul/prefix-index.ts'
import type { Retry } from '../consul/retry.ts'
import { type Direction, flagKey } from '../switchover/flags.ts'
import { type HandledFlag, parseReport, reportKey } from '../switchover/node-report.ts'
import type { SwitchPlan } from '../switchover/plan.ts'
import { parsePlan, planKey } from '../switchover/plan-store.ts'
import { isAmong } from '../switchover/roles.ts'
import { watchReading } from './watch-reading.ts'

/** A node with something to do. */
export interface SwitchNodeView {
  readonly node: string
  /** Absent where no plan tells. */
  readonly datacenter?: string
  readonly direction: Direction
  /** As it stands in this datacenter: `NULL`, `START`, `WAIT`, or what somebody else wrote there. */
  readonly flag: string
  /** What the node made of the flag as it stands. */
  readonly handled?: HandledFlag
  /** It is dead, and not waited for. */
  readonly isSkipped: boolean
}

/** A switch under way, or flags that are raised without one. */
export interface SwitchView {
  readonly service: string
  readonly plan?: SwitchPlan
  readonly nodes: readonly SwitchNodeView[]
  /** What stands there and can't be read. */
  readonly trouble?: string
}

/** All flags and plans are below it. */
const SERVICES = 'service/'
const FLAG = /^service[/](.+)[/]([^/]+)[/](promote|demote)$/
const PLAN = /^service[/](.+)[/]switch$/

/** Calls `receive` with all switches, at once and at each change. Settles and rejects as `watchReading`. */
export function watchSwitches(
  ctx: Context,
  consul: Consul,
  receive: (views: readonly SwitchView[]) => void,
  retry: Retry,
): Promise<never> {
  return watchReading(
    ctx,
    retry,
    [(ctx, options) => prefixIndex(ctx, consul, SERVICES, options)],
    async (ctx) => switchesIn(await readServices(ctx, consul)),
    receive,
  )
}

async function readServices(ctx: Context, consul: Consul): Promise<Entry[]> {
  try {
    return await readKeys(ctx, consul, SERVICES, { rights: 'read' })
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return []
    throw thrown
  }
}

/** The switches that these keys tell of. */
export function switchesIn(entries: readonly Entry[]): SwitchView[] {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]))
  const planned = entries.flatMap(({ key }) => PLAN.exec(key)?.[1] ?? [])
  const raised = entries
    .map(({ key, value }) => ({ match: FLAG.exec(key), value: value.trim() }))
    .filter(({ match, value }) => match && value !== 'NULL')
    .map(({ match }) => ({ service: match?.[1] ?? '', node: match?.[2] ?? '', direction: match?.[3] as Direction }))
  const services = [...new Set([...planned, ...raised.map(({ service }) => service)])].sort()
  return services.map((service) => {
    const { plan, trouble } = planAt(service, byKey.get(planKey(service)))
    const known = plan ? plannedNodes(plan) : []
    const others = raised
      .filter((one) => one.service === service)
      .filter(({ node, direction }) => !known.some((one) => one.node === node && one.direction === direction))
    return {
      service,
      ...(plan && { plan }),
      ...(trouble !== undefined && { trouble }),
      nodes: [...known, ...others.map(({ node, direction }) => ({ node, direction, isSkipped: false }))].map((one) => ({
        ...one,
        ...flagOf(byKey, service, one),
      })),
    }
  })
}

function planAt(service: string, entry: Entry | undefined): { plan?: SwitchPlan; trouble?: string } {
  if (!entry) return {}
  try {
    return { plan: parsePlan(planKey(service), entry.value) }
  } catch (thrown) {
    if (thrown instanceof Failure) return { trouble: thrown.message }
    throw thrown
  }
}

/** In the order in which they act: the old ones stop, the new ones start. */
function plannedNodes({ promote, demote, skipped }: SwitchPlan): Omit<SwitchNodeView, 'flag'>[] {
  const each = (direction: Direction, nodes: SwitchPlan['promote']) =>
    nodes.map((at) => ({ ...at, direction, isSkipped: isAmong(at, skipped) }))
  return [...each('demote', demote), ...each('promote', promote)]
}

function flagOf(
  byKey: ReadonlyMap<string, Entry>,
  service: string,
  { node, direction }: Omit<SwitchNodeView, 'flag'>,
): Pick<SwitchNodeView, 'flag' | 'handled'> {
  const flag = byKey.get(flagKey(service, node, direction))
  const handled = parseReport(byKey.get(reportKey(service, node))?.value)[direction]
  const isCurrent = handled && handled.index === flag?.modifyIndex
  return { flag: flag?.value.trim() ?? 'NULL', ...(isCurrent && { handled }) }
}
