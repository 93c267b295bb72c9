import { Failure } from '../../../base/failure.ts'
import { Glob } from '../../../base/glob.ts'
import { KEY_PREFIX, keyOfName, SLOTS_LIST } from '../../../lock/lock-keys.ts'
import type { LocksMeant } from '../../../unlock/read-session-holds.ts'
import { type LockInQuestion, lockNamed } from '../../invocation/lock-named.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import type { UnlockOptions } from './syntax.ts'

const FORM = 'consul-locker unlock NAME, or --pattern GLOB'

/** What words and options name. */
export interface LocksNamed extends LocksMeant {
  /** For sentences. */
  readonly subject: string
  /** The key of the one; of several, what all of them begin with. */
  readonly at: readonly [kind: 'key' | 'key_prefix', key: string]
}

/** The locks that are to be unlocked. Throws a `usage` failure. */
export function locksNamed(words: readonly string[], { pattern, key }: UnlockOptions): LocksNamed {
  const [name, ...rest] = words
  checkNoWords(rest, FORM)
  if (pattern !== undefined) {
    if (name !== undefined) throw new Failure('usage', 'a name and --pattern are two wishes', { hint: FORM })
    return matching(pattern)
  }
  if (name !== undefined) keyOfName(name)
  const lock = lockNamed(name, key, FORM)
  return key === undefined ? named(lock) : keyed(lock)
}

function matching(pattern: string): LocksNamed {
  const glob = new Glob(pattern)
  return {
    subject: `a lock that matches ${pattern}`,
    prefixes: [],
    at: ['key_prefix', `${KEY_PREFIX}${glob.head}`],
    isMeant: ({ kind, name, key }) => kind !== 'leader' && key.startsWith(KEY_PREFIX) && glob.matches(name),
  }
}

function named({ name, key: own }: LockInQuestion): LocksNamed {
  const keys = [own, `${own}${SLOTS_LIST}`]
  return { subject: name, prefixes: [], at: ['key', own], isMeant: ({ key }) => keys.includes(key) }
}

/** A key as it is; those who have slots have keys beside that of their list. */
function keyed({ name, key: own }: LockInQuestion): LocksNamed {
  const prefix = own.endsWith(SLOTS_LIST) ? own.slice(0, 1 - SLOTS_LIST.length) : own
  return { subject: name, prefixes: [prefix], at: ['key', own], isMeant: ({ key }) => key === own }
}
