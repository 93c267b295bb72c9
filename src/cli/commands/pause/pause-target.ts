import { Failure } from '../../../base/failure.ts'
import { ALL_PAUSED_KEY, keyOfName, pauseKeyOf } from '../../../lock/lock-keys.ts'
import { lockNamed } from '../../invocation/lock-named.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import type { ScopeOptions } from './syntax.ts'

/** What is to be paused, or to go on. */
export interface PauseTarget {
  /** Where the pause stands. */
  readonly pauseKey: string
  /** For people, with its verb: `backup is`. */
  readonly subject: string
  /** What the lock is called; `undefined` for all locks. */
  readonly name: string | undefined
  /** The lock's own key; `undefined` for all locks. */
  readonly lockKey: string | undefined
}

/** The scope that words and options name. Throws a `usage` failure. */
export function targetOf(words: readonly string[], { all, key: ownKey }: ScopeOptions, form: string): PauseTarget {
  const [name, ...rest] = words
  checkNoWords(rest, form)
  if (all && (name !== undefined || ownKey !== undefined)) {
    throw new Failure('usage', 'a name or --key says one lock, and --all says every lock', { hint: 'give one of them' })
  }
  if (all) return { pauseKey: ALL_PAUSED_KEY, subject: 'all locks are', name, lockKey: undefined }
  if (name !== undefined) keyOfName(name)
  const lock = lockNamed(name, ownKey, form)
  return { pauseKey: pauseKeyOf(lock.key), subject: `${lock.name} is`, name: lock.name, lockKey: lock.key }
}
