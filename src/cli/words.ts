/** First words that are commands of ours. A lock with such a name is locked by `run`. */
export const COMMAND_WORDS = [
  'run',
  'verify',
  'fenced',
  'promote',
  'demote',
  'init',
  'check',
  'wait',
  'rollout',
  'monitor',
  'hosts',
  'lease',
  'acquire-lease',
  'discovery',
  'leader',
] as const

export type CommandWord = (typeof COMMAND_WORDS)[number]

/** The word that has us give back the lock of a dead runner. It can't be the name of a lock. */
export const RELEASE_WORD = ':release'

/** The word that has us stand in for a dead leader agent. */
export const DUTY_WORD = ':leader-duty'

/** The word that has us call a function of a leader agent's module. */
export const MODULE_WORD = ':module'

export function isCommandWord(word: string): word is CommandWord {
  return (COMMAND_WORDS as readonly string[]).includes(word)
}
