import { within } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import { type Duty, dutyOf } from './duty.ts'
import { changeFlag, type Direction, type Flag, flagKey } from './flags.ts'
import { ownRole, survey } from './ground.ts'
import { journalKey } from './journal.ts'
import { type Handled, type NodeReport, reportKey } from './report.ts'
import { isAmong, type NodeAt, type Role } from './roles.ts'
import { type Cluster, readSite, type Site } from './site.ts'

/** The services of our node. `start` and `stop` reject with a `Failure` when they can't bring them there. */
export interface Attendants {
  /** Checks are told not to mind what follows. */
  prepare(ctx: Context): Promise<void>
  /** All run, or it rejects. */
  start(ctx: Context): Promise<void>
  /** None runs, or it rejects. */
  stop(ctx: Context): Promise<void>
  /** Checks mind again. */
  rest(ctx: Context): Promise<void>
}

export interface Attending {
  readonly consul: Consul
  readonly cluster: Cluster
  readonly self: NodeAt
  readonly direction: Direction
  readonly attendants: Attendants
}

/** How attending to a flag ended. */
export interface Attended {
  /** What was done. */
  readonly duties: readonly Duty[]
  /** What could not be done, last of all. */
  readonly failed?: Setback
}

/** A duty that could not be done, and why; what stood in Consul then. */
export interface Setback {
  readonly duty: Duty
  readonly flag: Flag
  readonly failure: Failure
  readonly home: Site
}

/** How long a look for news may take when the last word heard is that our node is to stop. */
const NEWS_MS = 5000
const NO_NEWS = Symbol('Consul has not answered in time')

/**
 * Does what a flag of our node asks for, until it asks for nothing more or that fails. Called by watches, which fire
 * for no reason, too; a value that was dealt with is left alone. Trouble with Consul is sat out: a watch doesn't fire
 * again for it, and a fenced node must hear of its fence, whatever has become of the cluster key. One that has heard of
 * it, and could not stop (`before`), doesn't wait for Consul to stop at last. Rejects with a `Failure` when it can't be
 * told what is asked for.
 */
export async function attend(ctx: Context, attending: Attending, before?: Setback): Promise<Attended> {
  const { consul, cluster, self, direction } = attending
  const retry = new Retry(consul)
  const look = (ctx: Context) => retry.until(ctx, () => readSite(ctx, consul, cluster, self.datacenter))
  const duties: Duty[] = []
  // What we did counts though it could not be told, for the flag had changed by then.
  let begun = before?.flag
  for (let known = before?.home; ; known = undefined) {
    const home = (known && (await soon(ctx, look))) ?? known ?? (await look(ctx))
    const flag = home.flag(self.node, direction)
    const duty = dutyOf(direction, flag, {
      report: withBegun(home.report(self.node), direction, begun),
      role: flag.value === 'NULL' ? await retry.until(ctx, () => roleNow(ctx, attending)) : 'standby',
      isFenced: home.flag(self.node, 'demote').value !== 'NULL',
    })
    if (duty === 'nothing') return { duties }
    const failure = await fulfil(ctx, attending, home, flag, duty)
    if (failure) return { duties, failed: { duty, flag, failure, home } }
    duties.push(duty)
    begun = flag
  }
}

function withBegun(report: NodeReport, direction: Direction, begun: Flag | undefined): NodeReport {
  if (begun === undefined || report[direction] !== undefined) return report
  return { ...report, [direction]: { ...begun, outcome: 'failed' } }
}

/** Rejects with a `Failure` when our node has no role, or that can't be told. */
async function roleNow(ctx: Context, { consul, cluster, self }: Attending): Promise<Role> {
  return ownRole(await survey(ctx, consul, cluster, self))
}

/** What `task` settles with; `undefined` when it fails, or takes too long. */
async function soon<T>(ctx: Context, task: (ctx: Context) => Promise<T>): Promise<T | undefined> {
  try {
    return await within(ctx, NEWS_MS, () => NO_NEWS, task)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (thrown !== NO_NEWS && !(thrown instanceof Failure)) throw thrown
    return undefined
  }
}

async function fulfil(
  ctx: Context,
  attending: Attending,
  home: Site,
  flag: Flag,
  duty: Duty,
): Promise<Failure | undefined> {
  try {
    await work(ctx, attending.attendants, duty)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    await soon(ctx, (ctx) => tell(ctx, attending, home, flag, { outcome: 'failed', note: thrown.message }, []))
    return thrown
  }
  await tell(ctx, attending, home, flag, { outcome: 'done' }, await answerTo(ctx, attending, home, flag, duty))
  return undefined
}

function work(ctx: Context, attendants: Attendants, duty: Duty): Promise<void> {
  switch (duty) {
    case 'prepare':
      return attendants.prepare(ctx)
    case 'stop':
      return attendants.stop(ctx)
    case 'start':
      return attendants.start(ctx)
    case 'rest':
      return attendants.rest(ctx)
    default:
      return Promise.resolve()
  }
}

/** Writes our report, and the flag's answer, if all is as it was seen; if not, the caller looks again. */
async function tell(
  ctx: Context,
  { consul, cluster, self, direction }: Attending,
  home: Site,
  flag: Flag,
  how: Pick<Handled, 'outcome' | 'note'>,
  answer: readonly KvStep[],
): Promise<void> {
  const handled: Handled = { index: flag.index, value: flag.value, ...how }
  const value = JSON.stringify({ ...home.report(self.node), [direction]: handled })
  const report: KvStep = { verb: 'set', key: reportKey(cluster.service, self.node), value }
  const outcome = await new Retry(consul).until(ctx, () => transact(ctx, consul, [report, ...answer]))
  if (!outcome.done) ctx.log.debug(`the flag has changed meanwhile: ${outcome.reasons.join('; ')}`)
}

/** A node that has begun says that it waits for the others; one that was fenced and isn't waited for has nothing to say. */
async function answerTo(ctx: Context, attending: Attending, home: Site, flag: Flag, duty: Duty): Promise<KvStep[]> {
  if (duty !== 'stop' && duty !== 'prepare') return []
  const { cluster, self, direction } = attending
  const { plan, journal } = home
  const isAwaited = plan !== undefined && !isAmong(self, plan.skipped)
  const isDone = duty === 'stop' && !isAwaited && (await isStandby(ctx, attending))
  const key = journalKey(cluster.service)
  const sameSwitch: KvStep = journal
    ? { verb: 'check-index', key, index: journal.modifyIndex }
    : { verb: 'check-not-exists', key }
  return [sameSwitch, changeFlag(flagKey(cluster.service, self.node, direction), flag, isDone ? 'NULL' : 'WAIT')]
}

/** Whether our node is to rest, as far as that can be told. */
async function isStandby(ctx: Context, attending: Attending): Promise<boolean> {
  try {
    return (await new Retry(attending.consul).until(ctx, () => roleNow(ctx, attending))) === 'standby'
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return false
  }
}
