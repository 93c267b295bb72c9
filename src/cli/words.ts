/** First words that are commands of ours. A lock with such a name, or a reserved one, is locked by `run`. */
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

/** First words that will be commands of ours: no crontab shall lock another thing after an upgrade. */
const RESERVED_WORDS = [
  'completion',
  'crontab',
  'dashboard',
  'dev',
  'doctor',
  'explain',
  'help',
  'history',
  'hold',
  'locks',
  'metrics',
  'pause',
  'release',
  'resume',
  'slots',
  'status',
  'unit',
  'unlock',
  'version',
  'watch',
] as const

/** What a word is to us, if it is ours: a command, or reserved for one to come. */
export function kindOfWord(word: string): 'command' | 'reserved' | undefined {
  if ((COMMAND_WORDS as readonly string[]).includes(word)) return 'command'
  return (RESERVED_WORDS as readonly string[]).includes(word) ? 'reserved' : undefined
}
