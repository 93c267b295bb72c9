import type { Entry } from '../consul/kv.ts'
import { READERS_FORM, SEMAPHORE_FORM } from '../lock/holder-list.ts'
import { isLock, SEMAPHORE_FLAGS, SLOTS_LIST } from '../lock/lock-keys.ts'
import { isMarker } from '../lock/semaphore-view.ts'
import { slotsPlace } from '../lock/slots.ts'

/**
 * What stands at a key where a lock would: a lock; the list of its readers; that of slots, or the mark that the name is
 * theirs; another list; or somebody's data. Runs refuse the last two.
 */
export type Standing = 'lock' | 'readers' | 'slots' | 'list' | 'data'

/** What this is. */
export function standingOf(entry: Entry): Standing {
  if (isLock(entry)) return 'lock'
  const { key, flags, value } = entry
  if (flags !== SEMAPHORE_FLAGS) return 'data'
  if (READERS_FORM.parse(value)) return 'readers'
  const isList = key.endsWith(SLOTS_LIST) && (value === '' || SEMAPHORE_FORM.parse(value) !== undefined)
  return isList || isMarker(slotsPlace(`${key}${SLOTS_LIST}`), entry) ? 'slots' : 'list'
}

/** Why nobody gets a lock where this stands, for people; `undefined` when it may be a lock's. */
export function whyNoLock(entry: Entry): string | undefined {
  const standing = standingOf(entry)
  if (standing === 'data') return `${entry.key} holds data, and no lock`
  return standing === 'list' ? `${entry.key} holds a list that is none of slots or readers` : undefined
}
