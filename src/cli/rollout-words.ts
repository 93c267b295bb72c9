/** What one of rollout's words takes. */
interface Form {
  /** Options beside those that all take. */
  readonly takes: readonly string[]
  /** How many words must stand behind it, and how many may. */
  readonly needs?: number
  readonly most?: number
  /** What the words say; a version by default. */
  readonly what?: string
}

/** The words behind `rollout`. */
export const ROLLOUT_WORDS = {
  trigger: { takes: ['force'], needs: 1 },
  forget: { takes: [], needs: 1, what: 'host' },
  step: { takes: ['host', 'version-file'] },
  pause: { takes: ['host', 'role'] },
  resume: { takes: ['host', 'role'] },
  current: { takes: [] },
  pending: { takes: ['version-file'] },
  local: { takes: ['version-file'], most: 1 },
  running: { takes: [] },
  'hosts-at': { takes: [], needs: 1 },
  verify: { takes: [], needs: 1 },
  'check-single': { takes: [], needs: 1 },
  health: { takes: ['host'] },
  failures: { takes: ['hosts', 'warnings'] },
  status: { takes: ['watch', 'prometheus'] },
} as const satisfies Record<string, Form>

export type RolloutWord = keyof typeof ROLLOUT_WORDS

export function isRolloutWord(word: string | undefined): word is RolloutWord {
  return word !== undefined && Object.hasOwn(ROLLOUT_WORDS, word)
}

/** What a word takes. */
export function formOf(word: RolloutWord): Form {
  return ROLLOUT_WORDS[word]
}
