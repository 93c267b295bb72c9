import type { Syntax } from './syntax/command-syntax.ts'

type Load = () => Promise<Syntax>

/** What each command of ours understands, without what does it: for completions and the manual. */
export const SYNTAXES = {
  run: async () => (await import('./commands/run/syntax.ts')).RUN_SYNTAX,
  verify: async () => (await import('./commands/verify/syntax.ts')).VERIFY_SYNTAX,
  history: async () => (await import('./commands/history/syntax.ts')).HISTORY_SYNTAX,
  status: async () => (await import('./commands/status/syntax.ts')).STATUS_SYNTAX,
  fenced: async () => (await import('./commands/fenced/syntax.ts')).FENCED_SYNTAX,
  hold: async () => (await import('./commands/hold/syntax.ts')).HOLD_SYNTAX,
  release: async () => (await import('./commands/release/syntax.ts')).RELEASE_SYNTAX,
  unlock: async () => (await import('./commands/unlock/syntax.ts')).UNLOCK_SYNTAX,
  locks: async () => (await import('./commands/locks/syntax.ts')).LOCKS_SYNTAX,
  slots: async () => (await import('./commands/slots/syntax.ts')).SLOTS_SYNTAX,
  pause: async () => (await import('./commands/pause/syntax.ts')).PAUSE_SYNTAX,
  resume: async () => (await import('./commands/pause/syntax.ts')).RESUME_SYNTAX,
  promote: async () => (await import('./commands/flag/syntax.ts')).PROMOTE_SYNTAX,
  demote: async () => (await import('./commands/flag/syntax.ts')).DEMOTE_SYNTAX,
  init: async () => (await import('./commands/init/syntax.ts')).INIT_SYNTAX,
  check: async () => (await import('./commands/check/syntax.ts')).CHECK_SYNTAX,
  trigger: async () => (await import('./commands/trigger/syntax.ts')).TRIGGER_SYNTAX,
  wait: async () => (await import('./commands/wait/syntax.ts')).WAIT_SYNTAX,
  rollout: async () => (await import('./commands/rollout/syntax.ts')).ROLLOUT_SYNTAX,
  monitor: async () => (await import('./commands/monitor/syntax.ts')).MONITOR_SYNTAX,
  hosts: async () => (await import('./commands/hosts/syntax.ts')).HOSTS_SYNTAX,
  lease: async () => (await import('./commands/lease/syntax.ts')).LEASE_SYNTAX,
  'acquire-lease': async () => (await import('./commands/lease/syntax.ts')).ACQUIRE_LEASE_SYNTAX,
  discovery: async () => (await import('./commands/discovery/syntax.ts')).DISCOVERY_SYNTAX,
  leader: async () => (await import('./commands/leader/syntax.ts')).LEADER_SYNTAX,
  unit: async () => (await import('./commands/run/scheduled/unit-syntax.ts')).UNIT_SYNTAX,
  crontab: async () => (await import('./commands/run/scheduled/crontab-syntax.ts')).CRONTAB_SYNTAX,
  explain: async () => (await import('./commands/run/explained/explain-syntax.ts')).EXPLAIN_SYNTAX,
  metrics: async () => (await import('./commands/metrics/syntax.ts')).METRICS_SYNTAX,
  dashboard: async () => (await import('./commands/dashboard/syntax.ts')).DASHBOARD_SYNTAX,
  dev: async () => (await import('./commands/dev/syntax.ts')).DEV_SYNTAX,
  doctor: async () => (await import('./commands/doctor/syntax.ts')).DOCTOR_SYNTAX,
  help: async () => (await import('./commands/help/syntax.ts')).HELP_SYNTAX,
  completion: async () => (await import('./commands/completion/syntax.ts')).COMPLETION_SYNTAX,
} satisfies Record<string, Load>

export type CommandWord = keyof typeof SYNTAXES

export function isCommandWord(word: string): word is CommandWord {
  return Object.hasOwn(SYNTAXES, word)
}
