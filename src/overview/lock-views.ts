import type { Entry } from '../consul/kv.ts'
import { livingAmong, READERS_FORM, SEMAPHORE_FORM } from '../lock/holder-list.ts'
import { parseHolderRecord } from '../lock/holder-record.ts'
import { isLock, KEY_PREFIX, SEMAPHORE_FLAGS, SLOTS_LIST } from '../lock/lock-keys.ts'
import { type PauseState, pauseStateOf } from '../lock/pause.ts'
import { readersPlace } from '../lock/readers.ts'
import { reservedFor } from '../lock/reservation.ts'
import { contenderKey, isMarker, type SemaphorePlace } from '../lock/semaphore-view.ts'
import { slotsPlace } from '../lock/slots.ts'
import { holderAt, isAnonymous, type SessionOwners, waiterAt } from './holders-and-waiters.ts'
import type { LockParts } from './lock-parts.ts'
import { lockRuns } from './lock-runs.ts'
import type { LockView, PauseView } from './lock-view.ts'
import { whyNoLock } from './standing.ts'

/** What is known beside the keys of a lock. */
export interface LockSurroundings {
  readonly owners: SessionOwners
  /** Until when a key is closed, in milliseconds since 1970; `undefined` if it isn't, or nobody knows. */
  readonly closedUntil: (key: string) => number | undefined
  readonly nowMs: number
  /** All recorded runs are wanted, and not the last ones alone. */
  readonly areAllRuns: boolean
}

/** The keys of these that a holder may have left closed, with the index of the last change to what tells so. */
export function leftKeys(parts: LockParts): { readonly key: string; readonly index: number }[] {
  const { lock, list } = parts
  const plain = [lock, list].filter((entry) => entry && entry.session === undefined && isLock(entry))
  const dead = semaphores(parts).flatMap(({ place, entry, dead }) =>
    dead.map((id) => ({ key: contenderKey(place, id), index: entry.modifyIndex })),
  )
  return [...plain.flatMap((entry) => (entry ? [{ key: entry.key, index: entry.modifyIndex }] : [])), ...dead]
}

/** Whether somebody among these says not even on which host it is. */
export function haveAnonymous({ lock, list, slotKeys, readerKeys, line, listLine }: LockParts): boolean {
  return [lock, list, ...slotKeys, ...readerKeys, ...line, ...listLine].some((entry) => entry && isAnonymous(entry))
}

/** The locks that these are: a plain one, slots, or both where a key is given as it is; none when it is other data. */
export function viewsOf(parts: LockParts, about: LockSurroundings): LockView[] {
  const { stem, lock, list, listLine } = parts
  const hasBelow = list !== undefined || listLine.length > 0
  const place = slotsPlace(`${stem}${SLOTS_LIST}`, stem)
  const hasOwn = lock ? !isMarker(place, lock) : parts.line.length > 0 || !hasBelow
  return [...(hasOwn ? plainViews(parts, about, hasBelow) : []), ...(hasBelow ? [viewBelow(parts, about)] : [])]
}

/** What stands at the stem. */
function plainViews(parts: LockParts, about: LockSurroundings, hasBelow: boolean): LockView[] {
  const { stem, lock, line, runs, pause } = parts
  const common = {
    name: nameOf(stem),
    key: stem,
    waiters: waiters(line, about),
    ...(hasBelow ? { runs: {} } : besides(parts, stem, lock, about)),
  }
  const [readers] = semaphores(parts).filter(({ entry }) => entry === lock)
  if (readers) return [{ ...common, kind: 'readers', limit: Number.POSITIVE_INFINITY, ...occupants(readers, about) }]
  const trouble = lock && whyNoLock(lock)
  if (trouble === undefined) {
    const isThere = lock ?? runs ?? pause ?? line[0]
    return isThere ? [{ ...common, kind: 'lock', limit: 1, ...soleHolder(lock, about) }] : []
  }
  if ((!isNamed(stem) || isOfRollout(stem)) && common.waiters.length === 0) return []
  return [{ ...common, kind: 'data', limit: 1, holders: [], trouble }]
}

/** What stands below it, where slots and `consul lock` have theirs. */
function viewBelow(parts: LockParts, about: LockSurroundings): LockView {
  const { stem, list, slotKeys, listLine } = parts
  const key = `${stem}${SLOTS_LIST}`
  const common = { name: nameOf(stem), key, ...besides(parts, key, list, about) }
  const own = waiters(listLine, about)
  const [slots] = semaphores(parts).filter(({ entry }) => entry === list)
  if (slots) {
    // Those of `consul lock -n` have a key while they wait, too.
    const others = slotKeys.filter(({ session = '' }) => !slots.holders.includes(session))
    return {
      ...common,
      kind: 'slots',
      limit: slots.limit,
      ...occupants(slots, about),
      waiters: [...own, ...waiters(others, about)],
    }
  }
  const waiting = { waiters: [...own, ...waiters(slotKeys, about)] }
  if (!list || isLock(list) || list.value === '') {
    return {
      ...common,
      kind: list && isLock(list) ? 'lock' : 'slots',
      limit: 1,
      ...waiting,
      ...soleHolder(list, about),
    }
  }
  return { ...common, kind: 'data', limit: 1, holders: [], ...waiting, trouble: `${key} holds no list of slots` }
}

interface SemaphoreParts {
  readonly place: SemaphorePlace
  readonly entry: Entry
  readonly limit: number
  readonly holders: readonly string[]
  readonly living: readonly Entry[]
  readonly dead: readonly string[]
}

/** The lists of holders among these. */
function semaphores({ stem, lock, list, slotKeys, readerKeys }: LockParts): SemaphoreParts[] {
  const places = [
    { place: readersPlace(stem), form: READERS_FORM, entry: lock, keys: readerKeys },
    { place: slotsPlace(`${stem}${SLOTS_LIST}`), form: SEMAPHORE_FORM, entry: list, keys: slotKeys },
  ]
  return places.flatMap(({ place, form, entry, keys }) => {
    const stored = entry?.flags === SEMAPHORE_FLAGS ? form.parse(entry.value) : undefined
    if (!entry || !stored) return []
    const living = livingAmong(stored, keys, (id) => contenderKey(place, id))
    const dead = stored.holders.filter((id) => !living.some(({ session }) => session === id))
    return [{ place, entry, ...stored, living, dead }]
  })
}

function occupants(
  { place, living, dead }: SemaphoreParts,
  about: LockSurroundings,
): Pick<LockView, 'holders' | 'closure'> {
  const closed = dead.flatMap((id) => about.closedUntil(contenderKey(place, id)) ?? [])
  return {
    holders: living.map((entry) => holderAt(entry, about.owners)),
    ...(closed.length > 0 && { closure: { places: closed.length, untilMs: Math.min(...closed) } }),
  }
}

function soleHolder(
  entry: Entry | undefined,
  about: LockSurroundings,
): Pick<LockView, 'holders' | 'closure' | 'left' | 'reservedFor'> {
  if (!entry) return { holders: [] }
  if (entry.session !== undefined) return { holders: [holderAt(entry, about.owners)] }
  const untilMs = about.closedUntil(entry.key)
  const reserved = reservedFor(entry)
  const { runId, host } = parseHolderRecord(entry.value)
  return {
    holders: [],
    ...(untilMs !== undefined && { closure: { places: 1, untilMs } }),
    ...(reserved !== undefined && { reservedFor: reserved }),
    ...(reserved === undefined && runId !== undefined && { left: host === undefined ? {} : { host } }),
  }
}

function waiters(entries: readonly Entry[], { owners }: LockSurroundings): LockView['waiters'] {
  return [...entries].sort((one, other) => one.createIndex - other.createIndex).map((entry) => waiterAt(entry, owners))
}

/** What stands beside the key of a lock. */
function besides(
  { runs, pause }: LockParts,
  key: string,
  entry: Entry | undefined,
  { nowMs, areAllRuns }: LockSurroundings,
): Pick<LockView, 'runs' | 'pause'> {
  const paused = pauseView(pauseStateOf(pause, nowMs))
  return { runs: lockRuns(key, entry, runs, areAllRuns), ...(paused && { pause: paused }) }
}

/** A pause that is on. */
export function pauseView(state: PauseState): PauseView | undefined {
  if (state.kind !== 'on') return undefined
  return state.pause ? { pause: state.pause } : {}
}

/** Whether a key is that of a lock's name. */
function isNamed(key: string): boolean {
  return key.startsWith(KEY_PREFIX) && key !== KEY_PREFIX
}

/** Whether a key is a rollout's: beside slots, which are locks, it keeps records there. */
function isOfRollout(key: string): boolean {
  return key.startsWith(`${KEY_PREFIX}rollout/`)
}

/** What a lock is called whose keys begin so. */
function nameOf(stem: string): string {
  return isNamed(stem) ? stem.slice(KEY_PREFIX.length) : stem
}
