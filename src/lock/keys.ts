import { Failure } from '../base/failure.ts'
import type { Entry } from '../consul/kv.ts'

/** Flags of a lock's key: those of Consul's own Go client, so that `consul lock` knows it for a lock. */
export const LOCK_FLAGS = 3304740253564472344n

/** Flags of a key that belongs to one of Consul's semaphores. */
export const SEMAPHORE_FLAGS = 16210313421097356768n

/** Consul's own bound on a key's length, in bytes. */
const MAX_KEY = 512
const PREFIX = 'consul-locker-'

/** The key that a name is locked by; the Bash consul-locker uses the same. Throws a `usage` failure. */
export function keyOfName(name: string): string {
  checkKey('lock name', name, MAX_KEY - PREFIX.length)
  return PREFIX + name
}

/** Checks a key given as it is. Throws a `usage` failure. */
export function checkKey(what: string, key: string, longest = MAX_KEY): string {
  const wrong = whatIsWrong(key, longest)
  if (wrong) {
    throw new Failure('usage', `the ${what} ${shown(key)} ${wrong}`, {
      hint: 'letters, digits and . _ , - are fine, and / to make folders',
    })
  }
  return key
}

/**
 * Checks that what stands at a key is a lock, before that is taken or waited for. A lock has `consul lock`'s flags, or
 * none and a history: the Bash original leaves its key, which was locked once, and one that is held is a lock whatever
 * was written over it. All else is somebody's data, and would be lost. Throws a `usage` failure.
 */
export function checkIsLock({ key, flags, lockIndex, session }: Entry): void {
  if (flags === LOCK_FLAGS) return
  if (flags === 0n && (lockIndex > 0 || session !== undefined)) return
  const isSemaphore = flags === SEMAPHORE_FLAGS
  throw new Failure('usage', `the key ${key} ${isSemaphore ? 'belongs to a semaphore' : 'holds data'} and is no lock`, {
    hint: `lock another key; if nobody needs this one: consul kv delete ${key}`,
  })
}

function whatIsWrong(key: string, longest: number): string | undefined {
  if (key === '') return 'is empty'
  if (key.length > longest) return `has ${key.length} characters; ${longest} are the most`
  const odd = /[^A-Za-z0-9._,/-]/u.exec(key)
  if (odd) return `has the character ${JSON.stringify(odd[0])} in it`
  if (key.startsWith('/')) return 'begins with a slash'
  if (key.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    return "has an empty part, '.' or '..' in its path"
  }
  return undefined
}

function shown(key: string): string {
  return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key)
}
