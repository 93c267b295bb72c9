import { checkKeyPrefix } from '../../lock/lock-keys.ts'
import { repeatable } from '../syntax/option.ts'

/** Which locks a command tells of beside those that have a name. */
export const KEY_PREFIXES = repeatable(
  'What:',
  'KEYS',
  'locks whose keys begin so, too: of consul lock, of --key; repeatable',
  (text, name) => checkKeyPrefix(`--${name}`, text),
)
