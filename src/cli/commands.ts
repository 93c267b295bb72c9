import type { Command } from './invocation.ts'
import { type CommandWord, DUTY_WORD, MODULE_WORD, RELEASE_WORD } from './words.ts'

type Load = () => Promise<Command>

type HiddenWord = typeof RELEASE_WORD | typeof DUTY_WORD | typeof MODULE_WORD

const COMMANDS: Record<CommandWord | HiddenWord, Load> = {
  run: async () => (await import('./run-command.ts')).explicitRunCommand,
  verify: async () => (await import('./verify-command.ts')).verifyCommand,
  fenced: async () => (await import('./fenced-command.ts')).fencedCommand,
  promote: async () => (await import('./flag-command.ts')).promoteCommand,
  demote: async () => (await import('./flag-command.ts')).demoteCommand,
  init: async () => (await import('./init-command.ts')).initCommand,
  check: async () => (await import('./check-command.ts')).checkCommand,
  wait: async () => (await import('./wait-command.ts')).waitCommand,
  rollout: async () => (await import('./rollout-command.ts')).rolloutCommand,
  monitor: async () => (await import('./monitor-command.ts')).monitorCommand,
  hosts: async () => (await import('./hosts-command.ts')).hostsCommand,
  lease: async () => (await import('./lease-command.ts')).leaseCommand,
  'acquire-lease': async () => (await import('./lease-command.ts')).acquireLeaseCommand,
  discovery: async () => (await import('./discovery-command.ts')).discoveryCommand,
  leader: async () => (await import('./leader-command.ts')).leaderCommand,
  [DUTY_WORD]: async () => (await import('./leader-duty.ts')).dutyCommand,
  [MODULE_WORD]: async () => (await import('./leader-module.ts')).moduleCommand,
  [RELEASE_WORD]: async () => (await import('./release-command.ts')).releaseCommand,
}

/** How to load the command that a first word names; `undefined` when it names none. */
export function commandOf(word: string | undefined): Load | undefined {
  return word !== undefined && Object.hasOwn(COMMANDS, word) ? COMMANDS[word as CommandWord] : undefined
}
