import { AbortReason, withTimeout } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { type TxnOp, transact } from '../consul/txn.ts'
import { type ClusterId, type ClusterSite, readSite } from './cluster-site.ts'
import { ownRole, viewCluster } from './cluster-view.ts'
import { type FlagAction, flagActionFor } from './flag-action.ts'
import { changeFlag, type Direction, type Flag, flagKey } from './flags.ts'
import { type HandledFlag, type NodeReport, reportKey } from './node-report.ts'
import { planKey } from './plan-store.ts'
import { type ClusterRole, isAmong, type NodeAt } from './roles.ts'

/** The services of our node. `start` and `stop` reject with a `Failure` when they can't bring them there. */
export interface ServiceControl {
  /** Checks are told not to mind what follows. */
  prepare(ctx: Context): Promise<void>
  /** All run, or it rejects. */
  start(ctx: Context): Promise<void>
  /** None runs, or it rejects. */
  stop(ctx: Context): Promise<void>
  /** Checks mind again. */
  rest(ctx: Context): Promise<void>
}

export interface FlagHandling {
  readonly consul: Consul
  readonly cluster: ClusterId
  readonly self: NodeAt
  readonly direction: Direction
  readonly services: ServiceControl
}

/** How the handling of a flag ended. */
export interface FlagHandled {
  /** What was done. */
  readonly actions: readonly FlagAction[]
  /** What could not be done, last of all. */
  readonly failed?: FailedAction
}

/** An action that could not be done, and why; what stood in Consul then. */
export interface FailedAction {
  readonly action: FlagAction
  readonly flag: Flag
  readonly failure: Failure
  readonly home: ClusterSite
}

/** How long a look for news may take when the last word heard is that our node is to stop. */
const NEWS_MS = 5000
const NO_NEWS = new AbortReason('Consul has not answered in time')

/**
 * Does what a flag of our node asks for, until it asks for nothing more or that fails. Called by watches, which fire
 * for no reason, too; a value that was dealt with is left alone. Trouble with Consul is sat out: a watch doesn't fire
 * again for it, and a fenced node must hear of its fence, whatever has become of the cluster key. One that has heard of
 * it, and could not stop (`before`), doesn't wait for Consul to stop at last. Rejects with a `Failure` when it can't be
 * told what is asked for.
 */
export async function handleFlag(ctx: Context, handling: FlagHandling, before?: FailedAction): Promise<FlagHandled> {
  const { consul, cluster, self, direction } = handling
  const retry = new Retry(consul)
  const look = (ctx: Context) => retry.until(ctx, () => readSite(ctx, consul, cluster, self.datacenter))
  const actions: FlagAction[] = []
  // What we did counts though it could not be told, for the flag had changed by then.
  let begun = before?.flag
  for (let known = before?.home; ; known = undefined) {
    const home = (known && (await softly(ctx, look))) ?? known ?? (await look(ctx))
    const flag = home.flag(self.node, direction)
    const action = flagActionFor(direction, flag, {
      report: withBegun(home.report(self.node), direction, begun),
      role: flag.value === 'NULL' ? await retry.until(ctx, () => roleNow(ctx, handling)) : 'standby',
      isFenced: home.flag(self.node, 'demote').value !== 'NULL',
    })
    if (action === 'nothing') return { actions }
    const failure = await act(ctx, handling, home, flag, action)
    if (failure) return { actions, failed: { action, flag, failure, home } }
    actions.push(action)
    begun = flag
  }
}

function withBegun(report: NodeReport, direction: Direction, begun: Flag | undefined): NodeReport {
  if (begun === undefined || report[direction] !== undefined) return report
  return { ...report, [direction]: { ...begun, outcome: 'failed' } }
}

/** Rejects with a `Failure` when our node has no role, or that can't be told. */
async function roleNow(ctx: Context, { consul, cluster, self }: FlagHandling): Promise<ClusterRole> {
  return ownRole(await viewCluster(ctx, consul, cluster, self))
}

/** What `task` settles with; `undefined` when it fails, or takes too long. */
async function softly<T>(ctx: Context, task: (ctx: Context) => Promise<T>): Promise<T | undefined> {
  try {
    return await withTimeout(ctx, NEWS_MS, () => NO_NEWS, task)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (thrown !== NO_NEWS && !(thrown instanceof Failure)) throw thrown
    return undefined
  }
}

async function act(
  ctx: Context,
  handling: FlagHandling,
  home: ClusterSite,
  flag: Flag,
  action: FlagAction,
): Promise<Failure | undefined> {
  try {
    await perform(ctx, handling.services, action)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    await softly(ctx, (ctx) => report(ctx, handling, home, flag, { outcome: 'failed', note: thrown.message }, []))
    return thrown
  }
  await report(ctx, handling, home, flag, { outcome: 'done' }, await answerTo(ctx, handling, home, flag, action))
  return undefined
}

function perform(ctx: Context, control: ServiceControl, action: FlagAction): Promise<void> {
  switch (action) {
    case 'prepare':
      return control.prepare(ctx)
    case 'stop':
      return control.stop(ctx)
    case 'start':
      return control.start(ctx)
    case 'rest':
      return control.rest(ctx)
    default:
      return Promise.resolve()
  }
}

/** Writes our report, and the flag's answer, if all is as it was seen; if not, the caller looks again. */
async function report(
  ctx: Context,
  { consul, cluster, self, direction }: FlagHandling,
  home: ClusterSite,
  flag: Flag,
  how: Pick<HandledFlag, 'outcome' | 'note'>,
  answer: readonly TxnOp[],
): Promise<void> {
  const handled: HandledFlag = { index: flag.index, value: flag.value, ...how }
  const value = JSON.stringify({ ...home.report(self.node), [direction]: handled })
  const report: TxnOp = { verb: 'set', key: reportKey(cluster.service, self.node), value }
  const outcome = await new Retry(consul).until(ctx, () => transact(ctx, consul, [report, ...answer]))
  if (!outcome.done) ctx.log.debug(`the flag has changed meanwhile: ${outcome.reasons.join('; ')}`)
}

/**
 * A node that has begun says that it waits for the others; one that was fenced and isn't waited for has nothing to say.
 */
async function answerTo(
  ctx: Context,
  handling: FlagHandling,
  home: ClusterSite,
  flag: Flag,
  action: FlagAction,
): Promise<TxnOp[]> {
  if (action !== 'stop' && action !== 'prepare') return []
  const { cluster, self, direction } = handling
  const { plan, planEntry } = home
  const isAwaited = plan !== undefined && !isAmong(self, plan.skipped)
  const isDone = action === 'stop' && !isAwaited && (await isStandby(ctx, handling))
  const key = planKey(cluster.service)
  const sameSwitch: TxnOp = planEntry
    ? { verb: 'check-index', key, index: planEntry.modifyIndex }
    : { verb: 'check-not-exists', key }
  return [sameSwitch, changeFlag(flagKey(cluster.service, self.node, direction), flag, isDone ? 'NULL' : 'WAIT')]
}

/** Whether our node is to rest, as far as that can be told. */
async function isStandby(ctx: Context, handling: FlagHandling): Promise<boolean> {
  try {
    return (await new Retry(handling.consul).until(ctx, () => roleNow(ctx, handling))) === 'standby'
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return false
  }
}
