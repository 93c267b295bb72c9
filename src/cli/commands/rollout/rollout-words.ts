import type { ROLLOUT_SUMMARIES } from './syntax.ts'

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
const ROLLOUT_WORDS = {
  trigger: { takes: ['force'], needs: 1 },
  forget: { takes: [], needs: 1, what: 'host' },
  step: { takes: ['host', 'version-file', 'dry-run'] },
  pause: { takes: ['host', 'role'] },
  resume: { takes: ['host', 'role'] },
  current: { takes: [] },
  pending: { takes: ['version-file'] },
  local: { takes: ['version-file'], most: 1 },
  record: { takes: ['host', 'version-file'], most: 1 },
  report: { takes: [], needs: 2, what: 'check and exit code' },
  ping: { takes: [] },
  running: { takes: [] },
  'hosts-at': { takes: [], needs: 1 },
  verify: { takes: [], needs: 1 },
  'check-single': { takes: [], needs: 1 },
  health: { takes: ['host'] },
  failures: { takes: ['hosts', 'warnings'] },
  status: { takes: ['watch', 'exit-on-failure', 'prometheus'] },
} as const satisfies Record<keyof typeof ROLLOUT_SUMMARIES, Form>

export type RolloutWord = keyof typeof ROLLOUT_WORDS

export function isRolloutWord(word: string | undefined): word is RolloutWord {
  return word !== undefined && Object.hasOwn(ROLLOUT_WORDS, word)
}

/** The words of JioCloud's orchestrator that are called otherwise here. */
const ORIGINALS: Readonly<Record<string, RolloutWord>> = {
  trigger_update: 'trigger',
  current_version: 'current',
  pending_update: 'pending',
  local_version: 'local',
  update_own_info: 'record',
  update_own_status: 'report',
  local_health: 'health',
  get_failures: 'failures',
  debug_timeout: 'status',
  running_versions: 'running',
  hosts_at_version: 'hosts-at',
  verify_hosts: 'verify',
  check_single_version: 'check-single',
  enable_puppet: 'resume',
  upgrade: 'step',
}

/** What to say to somebody who wrote a word that there isn't. */
export function wordHint(word: string | undefined): string {
  const ours = word !== undefined && Object.hasOwn(ORIGINALS, word) ? ORIGINALS[word] : undefined
  return ours === undefined ? `the words are ${Object.keys(ROLLOUT_WORDS).join(', ')}` : `here it is rollout ${ours}`
}

/** What a word takes. */
export function formOf(word: RolloutWord): Form {
  return ROLLOUT_WORDS[word]
}
