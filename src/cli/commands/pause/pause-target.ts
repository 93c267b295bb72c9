import { Failure } from '../../../base/failure.ts'
import { ALL_PAUSED_KEY, checkKey, keyOfName, pauseKeyOf } from '../../../lock/lock-keys.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import type { ScopeOptions } from './syntax.ts'

/** What is to be paused, or to go on. */
export interface PauseTarget {
  /** Where the pause stands. */
  readonly pauseKey: string
  /** For people, with its verb: `backup is`. */
  readonly subject: string
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
  if (all) return { pauseKey: ALL_PAUSED_KEY, subject: 'all locks are', lockKey: undefined }
  if (name === undefined) throw new Failure('usage', 'no lock was named', { hint: form })
  const lockKey = ownKey === undefined ? keyOfName(name) : checkKey('--key', ownKey)
  keyOfName(name)
  return { pauseKey: pauseKeyOf(lockKey), subject: `${name} is`, lockKey }
}
