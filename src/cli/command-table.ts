import { Failure } from '../base/failure.ts'
import type { InternalCommand } from '../child/internal-command.ts'
import type { Perform, Subcommand } from './invocation/invocation.ts'
import type { CommandWord } from './syntax-table.ts'

type Load = () => Promise<Subcommand>

/** First words that are commands of ours. A lock with such a name, or a reserved one, is locked by `run`. */
export const COMMANDS = {
  run: async () => (await import('./commands/run/command.ts')).runCommand,
  verify: async () => (await import('./commands/verify/command.ts')).verifyCommand,
  history: async () => (await import('./commands/history/command.ts')).historyCommand,
  status: async () => (await import('./commands/status/command.ts')).statusCommand,
  fenced: async () => (await import('./commands/fenced/command.ts')).fencedCommand,
  hold: async () => (await import('./commands/hold/command.ts')).holdCommand,
  release: async () => (await import('./commands/release/command.ts')).releaseCommand,
  locks: async () => (await import('./commands/locks/command.ts')).locksCommand,
  unlock: async () => (await import('./commands/unlock/command.ts')).unlockCommand,
  slots: async () => (await import('./commands/slots/command.ts')).slotsCommand,
  pause: async () => (await import('./commands/pause/command.ts')).pauseCommand,
  resume: async () => (await import('./commands/pause/command.ts')).resumeCommand,
  promote: async () => (await import('./commands/flag/command.ts')).promoteCommand,
  demote: async () => (await import('./commands/flag/command.ts')).demoteCommand,
  init: async () => (await import('./commands/init/command.ts')).initCommand,
  check: async () => (await import('./commands/check/command.ts')).checkCommand,
  trigger: async () => (await import('./commands/trigger/command.ts')).triggerCommand,
  wait: async () => (await import('./commands/wait/command.ts')).waitCommand,
  rollout: async () => (await import('./commands/rollout/command.ts')).rolloutCommand,
  monitor: async () => (await import('./commands/monitor/command.ts')).monitorCommand,
  hosts: async () => (await import('./commands/hosts/command.ts')).hostsCommand,
  lease: async () => (await import('./commands/lease/command.ts')).leaseCommand,
  'acquire-lease': async () => (await import('./commands/lease/command.ts')).acquireLeaseCommand,
  discovery: async () => (await import('./commands/discovery/command.ts')).discoveryCommand,
  leader: async () => (await import('./commands/leader/command.ts')).leaderCommand,
  unit: async () => (await import('./commands/run/scheduled/unit-command.ts')).unitCommand,
  crontab: async () => (await import('./commands/run/scheduled/crontab-command.ts')).crontabCommand,
  explain: async () => (await import('./commands/run/explained/explain-command.ts')).explainCommand,
  metrics: async () => (await import('./commands/metrics/command.ts')).metricsCommand,
  dashboard: async () => (await import('./commands/dashboard/command.ts')).dashboardCommand,
  dev: async () => (await import('./commands/dev/command.ts')).devCommand,
  doctor: async () => (await import('./commands/doctor/command.ts')).doctorCommand,
  help: async () => (await import('./commands/help/command.ts')).helpCommand,
  completion: async () => (await import('./commands/completion/command.ts')).completionCommand,
} satisfies Record<CommandWord, Load>

export const COMMAND_WORDS = Object.keys(COMMANDS)

/** First words that will be commands of ours: no crontab shall lock another thing after an upgrade. */
const RESERVED_WORDS: readonly string[] = ['version', 'watch']

/** What other tools call by a reserved word, and where it is here. */
const FORMER_WORDS: Readonly<Record<string, string>> = {
  version: 'the version: consul-locker --version',
  watch: "service-toolkit's watch is consul-locker monitor here, python-powerconsul's is consul-locker trigger",
}

const INTERNAL_LOADS: Record<InternalCommand, () => Promise<Perform>> = {
  ':release': async () => (await import('./commands/release/internal-release.ts')).performRelease,
  ':output': async () => (await import('./commands/run/internal-output.ts')).carryOutput,
  ':leader-duty': async () => (await import('./commands/leader/internal-cleanup.ts')).cleanUp,
  ':dev-server': async () => (await import('./commands/dev/internal-dev-server.ts')).serveDev,
  ':module': async () => (await import('./commands/leader/internal-module.ts')).serveModule,
}

/** How to load what a first word names, or what we were sent for; `undefined` when it is neither. */
export function commandOf(
  word: string | undefined,
  internal: InternalCommand | undefined,
): (() => Promise<Perform>) | undefined {
  if (internal !== undefined) return INTERNAL_LOADS[internal]
  if (word === undefined || !Object.hasOwn(COMMANDS, word)) return undefined
  const load = COMMANDS[word as keyof typeof COMMANDS]
  return async () => (await load()).perform
}

/** What a word is to us, if it is ours: a command, or reserved for one to come. */
export function kindOfWord(word: string): 'command' | 'reserved' | undefined {
  if (COMMAND_WORDS.includes(word)) return 'command'
  return RESERVED_WORDS.includes(word) ? 'reserved' : undefined
}

/** Throws a `usage` failure for a lock's name that is a word of ours. */
export function checkNoWordOfOurs(name: string): void {
  const kind = kindOfWord(name)
  if (kind === undefined) return
  const what =
    kind === 'command' ? 'is a command of ours, and its options stand behind it' : 'will be a command of ours'
  const former = Object.hasOwn(FORMER_WORDS, name) ? `${FORMER_WORDS[name]}; ` : ''
  const hint = `${former}to lock that name: consul-locker run [options] ${name} …`
  throw new Failure('usage', `${name} ${what}`, { hint })
}
