import { Failure } from '../base/failure.ts'
import type { Entry } from '../consul/kv.ts'

/** Flags of a lock's key: those of Consul's own Go client, so that `consul lock` knows it for a lock. */
export const LOCK_FLAGS = 3304740253564472344n

/** Flags of a key that belongs to one of Consul's semaphores. */
export const SEMAPHORE_FLAGS = 16210313421097356768n

/** What the key of a list of slots ends with: below the prefix that `consul lock` is given (api/semaphore.go). */
export const SLOTS_LIST = '/.lock'

/**
 * Of several locks, each takes five operations of a claim. Consul takes 64; what else rides with the claim needs some.
 */
export const MOST_LOCKS = 12

/** More slots are no limit, and everybody reads the list of their holders. */
export const MOST_SLOTS = 1000

/** Consul's own bound on a key's length, in bytes. */
const MAX_KEY = 512
/** Before a name, it makes the lock's key. */
export const KEY_PREFIX = 'consul-locker-'

/** The key that a name is locked by; the Bash consul-locker uses the same. Throws a `usage` failure. */
export function keyOfName(name: string): string {
  checkKey('lock name', name, MAX_KEY - KEY_PREFIX.length)
  return KEY_PREFIX + name
}

/** While this key is there, no lock is given to anybody; no lock's name has an equals sign in it. */
export const ALL_PAUSED_KEY = 'consul-locker=pause'

/** While this key is there, the lock of `key` is given to nobody. */
export function pauseKeyOf(key: string): string {
  return `${key}=pause`
}

/** The name of the lock that this key pauses, if the lock's key comes from a name. */
export function nameOfPauseKey(key: string): string {
  return key.slice(KEY_PREFIX.length, key.lastIndexOf('='))
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
 * The key of the list of slots, where `key` is that of the lock of the same name. A key that was given as it is
 * (`isOwnKey`) is that of the list itself, as it is that of the lock of `consul lock`. Throws a `usage` failure.
 */
export function slotsKey(key: string, isOwnKey: boolean): string {
  if (!isOwnKey) return `${key}${SLOTS_LIST}`
  if (key.endsWith(SLOTS_LIST)) return key
  throw new Failure('usage', `--slots can't stand at the key ${key}`, {
    hint: `end it in ${SLOTS_LIST}: consul lock -n 3 foo is --slots 3 --key foo${SLOTS_LIST}`,
  })
}

/**
 * Whether what stands at a key is a lock. A lock has `consul lock`'s flags, or none and a history: the Bash original
 * leaves its key, which was locked once, and one that is held is a lock whatever was written over it. All else is
 * somebody's data, and would be lost.
 */
export function isLock({ flags, lockIndex, session }: Entry): boolean {
  return flags === LOCK_FLAGS || (flags === 0n && (lockIndex > 0 || session !== undefined))
}

/** Checks that what stands at a key is a lock, before that is taken or waited for. Throws a `usage` failure. */
export function checkIsLock(entry: Entry): void {
  if (isLock(entry)) return
  const { key, flags } = entry
  const isSemaphore = flags === SEMAPHORE_FLAGS
  throw new Failure('usage', `the key ${key} ${isSemaphore ? 'belongs to a semaphore' : 'holds data'} and is no lock`, {
    hint: `lock another key; if nobody needs this one: consul kv delete ${key}`,
  })
}

/**
 * The beginning of keys given as it is. Throws a `usage` failure for none, and for a path that Consul's server would
 * send elsewhere (net/http cleans paths).
 */
export function checkKeyPrefix(what: string, prefix: string): string {
  const parts = prefix.split('/')
  const isOdd = parts.some((part, n) => part === '.' || part === '..' || (part === '' && n < parts.length - 1))
  if (prefix !== '' && !isOdd) return prefix
  const complaint = prefix === '' ? `${what} needs the beginning of a key` : `${what} ${shown(prefix)} begins no key`
  throw new Failure('usage', complaint, { hint: prefix === '' ? 'all keys of a cluster are too many' : 'e.g. site/' })
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
