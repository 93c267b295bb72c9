import { sleep, withAbortGrace } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from '../consul/consul.ts'
import { type Entry, readKeys, watchKeys } from '../consul/kv.ts'
import { Retry, type RetryPolicy } from '../consul/retry.ts'
import { destroySession } from '../consul/sessions.ts'
import { ABORT_GRACE_MS, type HeldLock } from './acquire-options.ts'
import { claim, type LockRequest, releaseKey } from './claim.ts'
import { describeHolder } from './holder-record.ts'
import { LOCK_DELAY_MAX_MS, type Timing } from './lease-timing.ts'
import { giveBack } from './release.ts'
import { reservationIn, reservedFor } from './reservation.ts'
import type { Session } from './session.ts'
import { freeSlots, slotNumber } from './slot-numbers.ts'

/** Nothing wakes a waiter at the end of a lock-delay. */
const LOCK_DELAY_RETRY_MS = 1000

const SLOTS_LEFT = (why: string) =>
  `the slots could not be given back in time (${why}); they are free when the session expires, at the latest`

/**
 * Slots that `limit` may hold at a time, each of which is a plain lock: `<folder>/1` to `<folder>/<limit>`; whoever
 * holds one is in. So everything that keeps two holders of a lock apart (the lease, the lock-delay, the fence) keeps
 * the holders of a slot apart, and more than `limit` never are in. The limit is each applicant's own word: with several
 * limits about, the largest that anybody asks with counts. When it is lowered, it counts for newcomers: holders
 * of slots above it finish, and take the place of lower slots until they have (see `freeSlots`). A slot may be kept for
 * its holder beyond its session (see `reservedFor`). The one that waits longest isn't served first.
 */
export interface SlotLocks {
  /** For people. */
  readonly name: string
  readonly folder: string
  readonly limit: number
  /** For whom a slot may be kept; without one, none is ours but by a session. */
  readonly owner?: string
}

/** How slots are acquired. */
export interface SlotOptions {
  readonly timing: Timing
  /** The record of whoever gets a slot now, ready to be stored. */
  readonly record: (nowMs: number) => string
  /** Gives up at once when no slot is free, and at the first failure. */
  readonly once: boolean
}

/** A slot that is ours. One that was kept for us says so yet at Consul, in place of our record (`ownSteps`). */
export interface HeldSlot extends HeldLock {
  readonly wasKept: boolean
}

/**
 * Takes the first free slot for a session that lives, or waits for one. Settles with it, with `'busy'` when none was
 * free at the only try (`once`), or with `'session-gone'`. Rejects with a `Failure` or the signal's reason. In all
 * cases but the first the session may hold a slot all the same, of which it didn't learn: `releaseSlots` then.
 */
export async function acquireSlot(
  ctx: Context,
  consul: Consul,
  session: Session,
  locks: SlotLocks,
  options: SlotOptions,
): Promise<HeldSlot | 'busy' | 'session-gone'> {
  const retry = new Retry(consul)
  const retrying: RetryPolicy = (ctx, task) => (options.once ? task() : retry.until(ctx, task))
  let told: string | undefined
  const query = new BlockingQuery((ctx, from) => watchKeys(ctx, consul, `${locks.folder}/`, from))
  for (;;) {
    const reading = await retrying(ctx, () => query.next(ctx))
    const tried = await tryAll(ctx, consul, session, locks, options, reading.entries, retrying)
    if (typeof tried !== 'string' || tried === 'session-gone') return tried
    if (session.gone.aborted) return 'session-gone'
    if (tried !== 'taken') query.restart()
    if (tried === 'changed') continue
    const why = whyBusy(ctx, locks, reading.entries, tried)
    if (why !== told) ctx.log.notice(options.once ? why : `waiting: ${why}`)
    if (options.once) return 'busy'
    told = why
    if (tried === 'lock-delay') await sleep(ctx, LOCK_DELAY_RETRY_MS * (0.5 + ctx.random() / 2))
  }
}

/** Why no slot is free now, for people; `undefined` when one is, as far as that can be seen without trying. */
export async function whyFull(ctx: Context, consul: Consul, locks: SlotLocks): Promise<string | undefined> {
  const entries = await readKeys(ctx, consul, `${locks.folder}/`)
  const isFree = kept(locks, entries).length > 0 || free(locks, entries).length > 0
  return isFree ? undefined : whyBusy(ctx, locks, entries, 'taken')
}

type SlotResult = HeldSlot | 'taken' | 'lock-delay' | 'changed' | 'session-gone'

/** Tries for each slot that is free by these entries; a claim holds only if the slot is still as it was read. */
async function tryAll(
  ctx: Context,
  consul: Consul,
  session: Session,
  locks: SlotLocks,
  options: SlotOptions,
  entries: readonly Entry[],
  retrying: RetryPolicy,
): Promise<SlotResult> {
  let worst: SlotResult = 'taken'
  for (const key of keysToTry(locks, session, entries)) {
    const own: LockRequest = { key, value: options.record(ctx.clock.now().wallMs), sessionId: session.id }
    const seen = entries.find((entry) => entry.key === key)
    const wasKept = seen !== undefined && reservationIn(seen.value) !== undefined
    const request = wasKept ? { ...own, value: seen.value } : own
    let claims = 0
    const got = await retrying(ctx, () => {
      claims += 1
      return withAbortGrace(ctx, ABORT_GRACE_MS, (ctx) => claim(ctx, consul, request, seen))
    })
    if (got.kind === 'session-gone') return 'session-gone'
    if (got.kind === 'held') {
      ctx.signal.throwIfAborted()
      if (session.hasTimeToStart()) return { ...own, session, fence: got.fence, riders: [], wasKept }
      // Renewing may take long, and the slot may leave us meanwhile: it is read and claimed anew.
      await retrying(ctx, () => session.renew(ctx, consul, REQUEST_TIMEOUT_MS))
      return 'changed'
    }
    // A claim whose reply was lost may have had its effect: the next slot would be a second one.
    if (claims > 1) return 'changed'
    if (got.kind === 'lock-delay') worst = 'lock-delay'
    else if (worst === 'taken') worst = 'changed'
  }
  return worst
}

/** What is ours already, by a claim whose reply was lost or since it was kept for us; or all that are free. */
function keysToTry(locks: SlotLocks, session: Session, entries: readonly Entry[]): string[] {
  const own = slotsOf(
    locks,
    entries.filter((entry) => entry.session === session.id),
  )
  const ours = [...own, ...kept(locks, entries)]
  const slots = ours.length > 0 ? ours : free(locks, entries)
  return slots.map((slot) => `${locks.folder}/${slot}`)
}

function free(locks: SlotLocks, entries: readonly Entry[]): number[] {
  return freeSlots(locks.limit, slotsOf(locks, entries.filter(isTaken)))
}

function kept(locks: SlotLocks, entries: readonly Entry[]): number[] {
  const { owner } = locks
  return owner === undefined
    ? []
    : slotsOf(
        locks,
        entries.filter((entry) => reservedFor(entry) === owner),
      )
}

function isTaken(entry: Entry): boolean {
  return entry.session !== undefined || reservedFor(entry) !== undefined
}

/** The numbers of the slots that these entries stand for. */
function slotsOf({ folder }: Pick<SlotLocks, 'folder'>, entries: readonly Entry[]): number[] {
  return entries.map(({ key }) => slotNumber(folder, key)).filter((slot) => slot !== undefined)
}

function whyBusy(ctx: Context, locks: SlotLocks, entries: readonly Entry[], tried: 'taken' | 'lock-delay'): string {
  if (tried === 'lock-delay') {
    const longest = formatDuration(LOCK_DELAY_MAX_MS)
    return `${locks.name} is closed for ${longest} at most: a holder of it was cut off`
  }
  const holders = entries.filter(isTaken)
  const [first] = holders
  const held = first ? describeHolder(first.value, ctx.clock.now().wallMs) : 'taken a moment ago'
  const more = holders.length > 1 ? ` and ${holders.length - 1} more` : ''
  return `${locks.name} is busy (at most ${locks.limit} at a time): ${held}${more}`
}

/**
 * Gives back all slots below a folder that a session holds, the last one that it took first, and destroys the session.
 * Those that are kept for their holder stay so, as they were found. `folder` ends with a slash. Tries again for
 * `withinMs` milliseconds, then it warns: Consul frees them when the session expires. Settles with whether they are
 * given back.
 */
export function releaseSlots(
  ctx: Context,
  consul: Consul,
  folder: string,
  sessionId: string,
  withinMs: number,
): Promise<boolean> {
  return giveBack(ctx, consul, withinMs, SLOTS_LEFT, async (ctx, retrying) => {
    const entries = await retrying(ctx, () => readKeys(ctx, consul, folder, { consistent: true }))
    const held = entries.filter((entry) => entry.session === sessionId)
    // A host's own slot, which it took first, keeps its next step from taking a second one beside one still to be kept.
    for (const entry of held.sort((one, other) => other.modifyIndex - one.modifyIndex)) {
      const found = reservationIn(entry.value) === undefined ? undefined : entry
      await retrying(ctx, () => releaseKey(ctx, consul, { key: entry.key, sessionId }, [], found))
    }
    // Last: destroying a session that still holds a slot closes that for the lock-delay.
    await retrying(ctx, () => destroySession(ctx, consul, sessionId))
  })
}
