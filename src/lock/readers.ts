import type { CompoundLockOf } from './compound-lock.ts'
import { READERS, READERS_FORM } from './holder-list.ts'
import { Semaphore } from './semaphore.ts'
import type { SemaphorePlace } from './semaphore-view.ts'

/** Readers stand in a list at the very key that a writer locks: either it is a list, or a lock. */
export function readersPlace(key: string): SemaphorePlace {
  return { list: key, contenders: `${key}${READERS}`, form: READERS_FORM, besideLock: true }
}

/** What a reader contends for: to be one of many, while there is no writer. */
export function readersOf(name: string, key: string): CompoundLockOf {
  const spec = { name, place: readersPlace(key), limit: Number.POSITIVE_INFINITY }
  return async (consul, sessionId, ancestors) => new Semaphore(consul, sessionId, ancestors, spec)
}
