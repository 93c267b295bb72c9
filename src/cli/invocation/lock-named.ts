import { Failure } from '../../base/failure.ts'
import { checkKey, keyOfName } from '../../lock/lock-keys.ts'

/** A lock, and what it is called. */
export interface LockInQuestion {
  readonly name: string
  readonly key: string
}

/**
 * The lock that a word and `--key` name: a key needs no name, and is called by itself then. `form` is how to name one.
 * Throws a `usage` failure.
 */
export function lockNamed(name: string | undefined, ownKey: string | undefined, form: string): LockInQuestion {
  if (ownKey !== undefined) {
    const key = checkKey('--key', ownKey)
    return { name: name ?? key, key }
  }
  if (name === undefined) throw new Failure('usage', 'no lock was named', { hint: form })
  return { name, key: keyOfName(name) }
}
