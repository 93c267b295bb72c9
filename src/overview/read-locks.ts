import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { streamKeys } from '../consul/key-stream.ts'
import type { Entry } from '../consul/kv.ts'
import { sessionOwners } from '../consul/sessions.ts'
import { lockDelayOf } from '../lock/holder-record.ts'
import { LOCK_DELAY_MAX_MS } from '../lock/lease-timing.ts'
import { ALL_PAUSED_KEY } from '../lock/lock-keys.ts'
import { pauseStateOf } from '../lock/pause.ts'
import { closedAmong } from './closed-keys.ts'
import type { SessionOwners } from './holders-and-waiters.ts'
import { asLeader, leadersWithout } from './leaders.ts'
import { PartsByLock } from './lock-parts.ts'
import { isAskedFor, type LocksRequest, prefixesOf } from './lock-request.ts'
import type { LocksView } from './lock-view.ts'
import { haveAnonymous, leftKeys, pauseView, viewsOf } from './lock-views.ts'
import { unseenAmong } from './unseen-by-token.ts'

/**
 * Reads all locks that are asked for. What the token may not see is left out, and told in `unseen`. Rejects with a
 * `Failure` when nothing can be read.
 */
export async function readLocks(ctx: Context, consul: Consul, request: LocksRequest = {}): Promise<LocksView> {
  const prefixes = prefixesOf(request)
  const areAllRuns = request.areAllRuns === true
  const sorted = new PartsByLock(areAllRuns)
  let paused: Entry | undefined
  const [unseen, , ...refusals] = await Promise.all([
    unseenAmong(ctx, consul, prefixes),
    unlessRefused(ctx, consul, ALL_PAUSED_KEY, (entry) => {
      if (entry.key === ALL_PAUSED_KEY) paused = entry
    }),
    ...prefixes.map((prefix) => unlessRefused(ctx, consul, prefix, (entry) => sorted.add(entry))),
  ])
  const [refusal] = refusals
  if (refusal && refusals.every((one) => one !== undefined)) throw refusal
  const parts = [...sorted.all]
  const nowMs = ctx.clock.now().wallMs
  const about = {
    owners: await ownersOf(ctx, consul, parts.some(haveAnonymous)),
    closedUntil: await closures(ctx, consul, sorted, nowMs),
    nowMs,
    areAllRuns,
  }
  const views = parts.flatMap((one) => viewsOf(one, about)).map(asLeader)
  const locks = [...views, ...leadersWithout(views, parts)].filter(isAskedFor(request))
  const pause = pauseView(pauseStateOf(paused, nowMs))
  return {
    locks: locks.sort((one, other) =>
      one.name < other.name || (one.name === other.name && one.key < other.key) ? -1 : 1,
    ),
    ...(pause && { pause }),
    unseen,
    atMs: nowMs,
  }
}

/** Settles with why the token may not read these keys, if that is so. */
async function unlessRefused(
  ctx: Context,
  consul: Consul,
  prefix: string,
  receive: (entry: Entry) => void,
): Promise<Failure | undefined> {
  try {
    await streamKeys(ctx, consul, prefix, receive)
    return undefined
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return thrown
    throw thrown
  }
}

/** Who made the sessions, if somebody left no record. */
async function ownersOf(ctx: Context, consul: Consul, areWanted: boolean): Promise<SessionOwners> {
  if (!areWanted) return new Map()
  try {
    return await sessionOwners(ctx, consul)
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'refused') return new Map()
    throw thrown
  }
}

/** Until when at the latest keys are closed; when that began nobody tells. */
async function closures(
  ctx: Context,
  consul: Consul,
  sorted: PartsByLock,
  nowMs: number,
): Promise<(key: string) => number | undefined> {
  const values = new Map<string, string>()
  const left = [...sorted.all].flatMap((parts) => {
    for (const entry of [parts.lock, parts.list]) if (entry) values.set(entry.key, entry.value)
    return leftKeys(parts)
  })
  const closed = await closedAmong(ctx, consul, left)
  return (key) => {
    if (!closed?.has(key)) return undefined
    return nowMs + (lockDelayOf(values.get(key) ?? '') || LOCK_DELAY_MAX_MS)
  }
}
