import type { LEADER_SYNTAX, LEADER_WORDS } from '../syntax.ts'
import { disable, enable } from './disable.ts'
import { history } from './history.ts'
import type { Word } from './leader-word.ts'
import { maintain } from './maintain.ts'
import { members } from './members.ts'
import { promote } from './promote.ts'
import { reinit } from './reinit.ts'
import { status } from './status.ts'
import { stepDown } from './step-down.ts'
import { switchOver } from './switchover.ts'
import { unfreeze } from './unfreeze.ts'

type Option = keyof typeof LEADER_SYNTAX.options

interface WordEntry {
  readonly perform: Word
  /** Options beside those that all words take. */
  readonly takes: readonly Option[]
}

/** What an operator may ask for, by its word. */
export const WORDS = {
  status: { perform: status, takes: ['json', 'watch'] },
  members: { perform: members, takes: ['json'] },
  'step-down': { perform: stepDown, takes: ['force', 'timeout'] },
  switchover: { perform: switchOver, takes: ['candidate', 'force', 'timeout', 'at', 'in', 'cancel'] },
  disable: { perform: disable, takes: ['node', 'force', 'timeout'] },
  enable: { perform: enable, takes: ['node'] },
  maintenance: { perform: maintain, takes: ['node', 'for', 'off', 'force'] },
  unfreeze: { perform: unfreeze, takes: [] },
  reinit: { perform: reinit, takes: ['node', 'yes'] },
  history: { perform: history, takes: ['json'] },
  promote: { perform: promote, takes: ['timeout', 'accept-loss', 'yes'] },
} satisfies Record<Exclude<keyof typeof LEADER_WORDS, 'test'>, WordEntry>

export type LeaderWord = keyof typeof WORDS

export function isLeaderWord(word: string | undefined): word is LeaderWord {
  return word !== undefined && Object.hasOwn(WORDS, word)
}

/** The options that not every word takes. */
export const WORD_OPTIONS: readonly Option[] = [...new Set(Object.values(WORDS).flatMap(({ takes }) => takes))]
