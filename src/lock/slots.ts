import type { CompoundLockOf } from './compound-lock.ts'
import { SEMAPHORE_FORM } from './holder-list.ts'
import { SLOTS_LIST } from './lock-keys.ts'
import { Semaphore } from './semaphore.ts'
import type { SemaphorePlace } from './semaphore-view.ts'

/**
 * Where the slots stand whose list is at this key, as `slotsKey` gives it: beside those of `consul lock -n`. `marker`
 * is the key of the plain lock of the same name, if there is one.
 */
export function slotsPlace(list: string, marker?: string): SemaphorePlace {
  const contenders = list.slice(0, 1 - SLOTS_LIST.length)
  return { list, contenders, form: SEMAPHORE_FORM, ...(marker !== undefined && { marker }) }
}

/** What a run contends for that wants one of so many slots. */
export function oneOfSlots(name: string, place: SemaphorePlace, limit: number): CompoundLockOf {
  const spec = { name, place, limit }
  return async (consul, sessionId, ancestors) => new Semaphore(consul, sessionId, ancestors, spec)
}
