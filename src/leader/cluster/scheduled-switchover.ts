import * as v from 'valibot'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { randomId } from '../../base/random-id.ts'
import { compareAndSet } from '../../consul/compare-and-set.ts'
import type { Consul } from '../../consul/consul.ts'
import { storedAs, storedInstant, storedText } from '../../consul/stored-value.ts'
import { type TxnOp, transact } from '../../consul/txn.ts'
import { changeStored } from './change-stored.ts'
import type { StepDown } from './cluster-switches.ts'
import { HISTORY, withRefusal } from './leader-history.ts'
import type { LeaderKeys } from './leader-keys.ts'

/** A node is to become master at an instant, an ISO date: by the wall clock of whoever is master then. */
export interface ScheduledSwitchover {
  readonly id: string
  readonly candidate: string
  readonly at: string
  readonly by: string
  /** As with a request to step down. */
  readonly force?: boolean
}

export const SCHEDULED_SWITCHOVER: v.GenericSchema<unknown, ScheduledSwitchover> = v.object({
  id: storedText,
  candidate: storedText,
  at: storedInstant,
  by: storedText,
  force: v.exactOptional(v.boolean()),
})

/** The same, with its index at Consul. */
export interface StoredSchedule {
  readonly switchover: ScheduledSwitchover
  readonly index: number
}

/** Who planned it for that time has long looked away by then: it isn't made up for later than this. */
const LATEST_MS = 60_000

/** Whether its time has come, at this time of the wall clock. */
export function isDue({ at }: ScheduledSwitchover, nowMs: number): boolean {
  return nowMs >= Date.parse(at)
}

/** Has a node become master later. Rejects with a `conflict` failure when another time stands there already. */
export async function scheduleSwitchover(
  ctx: Context,
  consul: Consul,
  keys: LeaderKeys,
  wanted: Omit<ScheduledSwitchover, 'id'>,
): Promise<void> {
  await compareAndSet(ctx, consul, keys.switchover, (entry) => {
    const before = entry && storedAs(SCHEDULED_SWITCHOVER, entry.value)
    if (before) {
      const { candidate, at, by } = before
      throw new Failure('conflict', `a switchover to ${candidate} at ${at} has been asked for already, by ${by}`, {
        hint: 'leader switchover --cancel takes it back',
      })
    }
    return { value: JSON.stringify({ id: randomId(), ...wanted } satisfies ScheduledSwitchover) }
  })
}

/** Takes it back. Settles with what was scheduled; `undefined` when nothing was, or it has begun. */
export async function cancelSwitchover(
  ctx: Context,
  consul: Consul,
  keys: LeaderKeys,
): Promise<ScheduledSwitchover | undefined> {
  let cancelled: ScheduledSwitchover | undefined
  await compareAndSet(ctx, consul, keys.switchover, (entry) => {
    cancelled = entry && storedAs(SCHEDULED_SWITCHOVER, entry.value)
    return 'delete'
  })
  return cancelled
}

/**
 * The master on `node` makes a request to itself of a switchover that is due, and from then on it is one as any other.
 * What came too late, or is so already, goes to the history. When somebody else was faster, that one has done it.
 */
export async function beginSwitchover(
  ctx: Context,
  consul: Consul,
  keys: LeaderKeys,
  node: string,
  { switchover, index }: StoredSchedule,
): Promise<void> {
  const { id, candidate, by, force = false } = switchover
  const nowMs = ctx.clock.now().wallMs
  const taken: TxnOp = { verb: 'delete-cas', key: keys.switchover, index }
  const why = reasonAgainst(switchover, node, nowMs)
  if (why === undefined) {
    const request: StepDown = { node, candidate, by, force, id, at: new Date(nowMs).toISOString(), scheduled: true }
    await transact(ctx, consul, [taken, { verb: 'set', key: keys.stepDown, value: JSON.stringify(request) }])
    return
  }
  const { done } = await transact(ctx, consul, [taken])
  if (done) await recordRefusal(ctx, consul, keys, { candidate, by, why })
}

function reasonAgainst({ candidate, at }: ScheduledSwitchover, node: string, nowMs: number): string | undefined {
  if (candidate === node) return `${node} was master already`
  return nowMs - Date.parse(at) > LATEST_MS ? `nobody was master at ${at}` : undefined
}

/** Writes down why a node hasn't become master when it was to, for whoever wanted that has long gone. */
export async function recordRefusal(
  ctx: Context,
  consul: Consul,
  { history }: LeaderKeys,
  refused: { readonly candidate: string; readonly by: string; readonly why: string },
): Promise<void> {
  const at = new Date(ctx.clock.now().wallMs).toISOString()
  ctx.log.warn(`the switchover to ${refused.candidate}, asked for by ${refused.by}, did not come about: ${refused.why}`)
  await changeStored(ctx, consul, history, HISTORY, (history) => withRefusal(history, { at, ...refused }))
}
