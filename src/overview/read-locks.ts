import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKeys } from '../consul/kv.ts'
import { sessionOwners } from '../consul/sessions.ts'
import { LOCK_DELAY_MAX_MS } from '../lock/deadline.ts'
import { lockDelayOf } from '../lock/holder-record.ts'
import { ALL_PAUSED_KEY } from '../lock/lock-keys.ts'
import { pauseStateOf } from '../lock/pause.ts'
import { closedAmong } from './closed-keys.ts'
import { asLeader, leadersWithout } from './leaders.ts'
import { PartsByLock } from './lock-parts.ts'
import { isAskedFor, type LocksRequest, prefixesOf } from './lock-request.ts'
import type { LocksView } from './lock-view.ts'
import { haveAnonymous, leftKeys, pauseView, viewsOf } from './lock-views.ts'
import type { SessionOwners } from './parties.ts'
import { unseenAmong } from './unseen.ts'

/**
 * Reads all locks that are asked for. What the token may not see is left out, and told in `unseen`. Rejects with a
 * `Failure` when nothing can be read.
 */
export async function readLocks(ctx: Context, consul: Consul, request: LocksRequest = {}): Promise<LocksView> {
  const prefixes = prefixesOf(request)
  const [unseen, pauses, ...read] = await Promise.all([
    unseenAmong(ctx, consul, prefixes),
    readable(ctx, consul, ALL_PAUSED_KEY),
    ...prefixes.map((prefix) => readable(ctx, consul, prefix)),
  ])
  const refusals = read.flatMap((entries) => (entries instanceof Failure ? [entries] : []))
  if (refusals[0] && refusals.length === prefixes.length) throw refusals[0]
  const sorted = new PartsByLock()
  for (const entries of read) if (!(entries instanceof Failure)) for (const entry of entries) sorted.add(entry)
  const paused = pauses instanceof Failure ? undefined : pauses.find(({ key }) => key === ALL_PAUSED_KEY)
  const parts = [...sorted.all]
  const nowMs = ctx.clock.now().wallMs
  const about = {
    owners: await ownersOf(ctx, consul, parts.some(haveAnonymous)),
    closedUntil: await closures(ctx, consul, sorted, nowMs),
    nowMs,
    areAllRuns: request.areAllRuns === true,
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

async function readable(ctx: Context, consul: Consul, prefix: string): Promise<Entry[] | Failure> {
  try {
    return await readKeys(ctx, consul, prefix, { rights: 'read' })
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
