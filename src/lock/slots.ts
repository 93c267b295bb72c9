import { lingering, sleep, withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { messageOf } from '../base/failure.ts'
import { ATTEMPT_MS, type Consul } from '../consul/consul.ts'
import { type Entry, readKeys, watchKeys } from '../consul/kv.ts'
import { Retry } from '../consul/retry.ts'
import { destroySession } from '../consul/sessions.ts'
import { claim, giveUp, type Stake } from './claim.ts'
import { type Held, LINGER_MS, type Persist } from './contest.ts'
import { LOCK_DELAY_MAX_MS, type Timing } from './deadline.ts'
import { describeHolder } from './record.ts'
import { reservedFor } from './reservation.ts'
import type { Session } from './session.ts'
import { openings, slotOf } from './slot-order.ts'

const LONG_POLL_MS = 30_000
/** Somebody may be waiting for what is given back. */
const LONGEST_PAUSE_MS = 1000
/** Nothing wakes a waiter at the end of a lock-delay. */
const LOCK_DELAY_RETRY_MS = 1000
/** A lease with a smaller part of its TTL left is renewed before the slot counts as taken. */
const ENOUGH = 1 / 4

/**
 * A semaphore: `limit` may hold it at a time. Its slots are plain locks, `<folder>/1` to `<folder>/<limit>`; whoever
 * holds one is in. So everything that keeps two holders of a lock apart (the lease, the lock-delay, the fence) keeps
 * the holders of a slot apart, and more than `limit` never are in. The limit is the contender's own word: with several
 * limits about, the largest that anybody contends with counts. Lowered, it counts for who comes from then on: holders
 * of slots above it finish, and take the place of lower slots until they have (see `openings`). A slot may be kept for
 * its holder beyond its session (see `reservedFor`). Who waits longest isn't served first.
 */
export interface Semaphore {
  /** For people. */
  readonly name: string
  readonly folder: string
  readonly limit: number
  /** For whom a slot may be kept; without one, none is ours but by a session. */
  readonly owner?: string
}

/** How somebody contends for slots. */
export interface SlotContest {
  readonly timing: Timing
  /** The holder record of who gets a slot now, ready to be stored. */
  readonly record: (nowMs: number) => string
  /** Gives up at once when no slot is free, and at the first trouble. */
  readonly once: boolean
}

/**
 * Takes the first free slot for a session that lives, or waits for one. Settles with it, with `'busy'` when none was
 * free for a contest that tries once, or with `'session-gone'`. Rejects with a `Failure` or the signal's reason. In all
 * cases but the first the session may hold a slot all the same, of which it didn't learn: `leaveSlots` then.
 */
export async function takeSlot(
  ctx: Context,
  consul: Consul,
  session: Session,
  semaphore: Semaphore,
  contest: SlotContest,
): Promise<Held | 'busy' | 'session-gone'> {
  const retry = new Retry(consul)
  const persist: Persist = (ctx, task) => (contest.once ? task() : retry.until(ctx, task))
  let told: string | undefined
  for (let index = 0; ; ) {
    const reading = await persist(ctx, () => {
      const from = index
      index = 0 // What is tried again begins anew.
      return watchKeys(ctx, consul, `${semaphore.folder}/`, { index: from, waitMs: LONG_POLL_MS })
    })
    const tried = await tryAll(ctx, consul, session, semaphore, contest, reading.entries, persist)
    if (typeof tried !== 'string' || tried === 'session-gone') return tried
    if (session.gone.aborted) return 'session-gone'
    if (tried === 'changed') continue
    const why = whyBusy(ctx, semaphore, reading.entries, tried)
    if (contest.once || why !== told) ctx.log.notice(contest.once ? why : `waiting: ${why}`)
    if (contest.once) return 'busy'
    told = why
    if (tried === 'taken') index = reading.index
    else await sleep(ctx, LOCK_DELAY_RETRY_MS * (0.5 + ctx.random() / 2))
  }
}

/** Why no slot is free now, for people; `undefined` when one is, as far as that can be seen without trying. */
export async function whyFull(ctx: Context, consul: Consul, semaphore: Semaphore): Promise<string | undefined> {
  const entries = await readKeys(ctx, consul, `${semaphore.folder}/`)
  const isFree = kept(semaphore, entries).length > 0 || free(semaphore, entries).length > 0
  return isFree ? undefined : whyBusy(ctx, semaphore, entries, 'taken')
}

type Tried = Held | 'taken' | 'lock-delay' | 'changed' | 'session-gone'

/** Tries for each slot that is free by these entries; a claim holds only if the slot is still as it was read. */
async function tryAll(
  ctx: Context,
  consul: Consul,
  session: Session,
  semaphore: Semaphore,
  contest: SlotContest,
  entries: readonly Entry[],
  persist: Persist,
): Promise<Tried> {
  let worst: Tried = 'taken'
  for (const key of keysToTry(semaphore, session, entries)) {
    const stake: Stake = { key, value: contest.record(ctx.clock.now().wallMs), sessionId: session.id }
    const seen = entries.find((entry) => entry.key === key)
    const got = await persist(ctx, () => lingering(ctx, LINGER_MS, (ctx) => claim(ctx, consul, stake, seen)))
    if (got.kind === 'session-gone') return 'session-gone'
    if (got.kind === 'held') {
      ctx.signal.throwIfAborted()
      if (session.leaseLeftMs() > contest.timing.ttlMs * ENOUGH) return { session, stake, fence: got.fence }
      // Renewing may take long, and the slot may leave us meanwhile: it is read and claimed anew.
      await persist(ctx, () => session.renew(ctx, consul, ATTEMPT_MS))
      return 'changed'
    }
    if (got.kind === 'lock-delay') worst = 'lock-delay'
    else if (worst === 'taken') worst = 'changed'
  }
  return worst
}

/** The slot that is ours already, by a claim whose reply was lost or since it was kept for us; or all that are free. */
function keysToTry(semaphore: Semaphore, session: Session, entries: readonly Entry[]): string[] {
  const own = slotsOf(
    semaphore,
    entries.filter((entry) => entry.session === session.id),
  )
  const ours = [...own, ...kept(semaphore, entries)]
  const slots = ours.length > 0 ? ours.slice(0, 1) : free(semaphore, entries)
  return slots.map((slot) => `${semaphore.folder}/${slot}`)
}

function free(semaphore: Semaphore, entries: readonly Entry[]): number[] {
  return openings(semaphore.limit, slotsOf(semaphore, entries.filter(isTaken)))
}

function kept(semaphore: Semaphore, entries: readonly Entry[]): number[] {
  const { owner } = semaphore
  return owner === undefined
    ? []
    : slotsOf(
        semaphore,
        entries.filter((entry) => reservedFor(entry) === owner),
      )
}

function isTaken(entry: Entry): boolean {
  return entry.session !== undefined || reservedFor(entry) !== undefined
}

/** The numbers of the slots that these entries stand for. */
function slotsOf({ folder }: Pick<Semaphore, 'folder'>, entries: readonly Entry[]): number[] {
  return entries.map(({ key }) => slotOf(folder, key)).filter((slot) => slot !== undefined)
}

function whyBusy(ctx: Context, semaphore: Semaphore, entries: readonly Entry[], tried: 'taken' | 'lock-delay'): string {
  if (tried === 'lock-delay') {
    const longest = formatDuration(LOCK_DELAY_MAX_MS)
    return `${semaphore.name} is closed for ${longest} at most: a holder of it was cut off`
  }
  const holders = entries.filter(isTaken)
  const [first] = holders
  const held = first ? describeHolder(first.value, ctx.clock.now().wallMs) : 'taken a moment ago'
  const more = holders.length > 1 ? ` and ${holders.length - 1} more` : ''
  return `${semaphore.name} is busy (at most ${semaphore.limit} at a time): ${held}${more}`
}

/**
 * Gives back all slots below a folder that a session holds, and destroys the session; `folder` ends with a slash. Tries
 * again for `withinMs` milliseconds, then it warns: Consul frees them when the session expires. Settles with whether they
 * are given back.
 */
export async function leaveSlots(
  ctx: Context,
  consul: Consul,
  folder: string,
  sessionId: string,
  withinMs: number,
): Promise<boolean> {
  // There is a session, so it is Consul; silence is an outage.
  consul.heard = true
  try {
    await withDeadline(ctx, withinMs, async (ctx) => {
      const retry = new Retry(consul, LONGEST_PAUSE_MS)
      const entries = await retry.until(ctx, () => readKeys(ctx, consul, folder))
      for (const { key } of entries.filter((entry) => entry.session === sessionId)) {
        await retry.until(ctx, () => giveUp(ctx, consul, { key, sessionId }))
      }
      // Last: destroying a session that still holds a slot closes that for the lock-delay.
      await retry.until(ctx, () => destroySession(ctx, consul, sessionId))
    })
    return true
  } catch (thrown) {
    ctx.log.warn(
      `the slots could not be given back in time (${messageOf(thrown)}); they are free when the session expires, at the latest`,
    )
    return false
  }
}
