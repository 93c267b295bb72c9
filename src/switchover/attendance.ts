import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { type KvStep, transact } from '../consul/txn.ts'
import { type Duty, dutyOf } from './duty.ts'
import { changeFlag, type Direction, type Flag, flagKey } from './flags.ts'
import { type Ground, ownRole, survey } from './ground.ts'
import { journalKey } from './journal.ts'
import { type Handled, reportKey } from './report.ts'
import { isAmong, type NodeAt } from './roles.ts'
import type { Cluster } from './site.ts'

/** The services of our node. Each rejects with a `Failure` when it can't bring them there. */
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

/**
 * Does what a flag of our node asks for, until it asks for nothing more, and settles with what it did. Called by
 * watches, which fire for no reason, too; a value that was dealt with is left alone. Trouble with Consul is sat out: a
 * watch doesn't fire again for it, and a fenced node must hear of its fence. Rejects with a `Failure`.
 */
export async function attend(ctx: Context, attending: Attending): Promise<Duty[]> {
  const { consul, cluster, self, direction } = attending
  const retry = new Retry(consul)
  const done: Duty[] = []
  for (;;) {
    const ground = await retry.until(ctx, () => survey(ctx, consul, cluster, self))
    const flag = ground.home.flag(self.node, direction)
    const duty = dutyOf(direction, flag, {
      report: ground.home.report(self.node),
      role: ownRole(ground),
      isFenced: ground.home.flag(self.node, 'demote').value !== 'NULL',
    })
    if (duty === 'nothing') return done
    await fulfil(ctx, attending, ground, flag, duty)
    done.push(duty)
  }
}

async function fulfil(ctx: Context, attending: Attending, ground: Ground, flag: Flag, duty: Duty): Promise<void> {
  try {
    await work(ctx, attending.attendants, duty)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    await tell(ctx, attending, ground, flag, { outcome: 'failed', note: thrown.message }, [])
    throw thrown
  }
  await tell(ctx, attending, ground, flag, { outcome: 'done' }, answerTo(attending, ground, flag, duty))
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
  { home }: Ground,
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
function answerTo({ cluster, self, direction }: Attending, ground: Ground, flag: Flag, duty: Duty): KvStep[] {
  if (duty !== 'stop' && duty !== 'prepare') return []
  const { plan, journal } = ground.home
  const isAwaited = plan !== undefined && !isAmong(self, plan.skipped)
  const isDone = duty === 'stop' && !isAwaited && ownRole(ground) === 'standby'
  const key = journalKey(cluster.service)
  const sameSwitch: KvStep = journal
    ? { verb: 'check-index', key, index: journal.modifyIndex }
    : { verb: 'check-not-exists', key }
  return [sameSwitch, changeFlag(flagKey(cluster.service, self.node, direction), flag, isDone ? 'NULL' : 'WAIT')]
}
