import type { Errand } from './errands.ts'
import type { Command } from './invocation.ts'
import type { CommandWord } from './words.ts'

type Load = () => Promise<Command>

const COMMANDS: Record<CommandWord, Load> = {
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
}

const ON_ERRANDS: Record<Errand, Load> = {
  ':release': async () => (await import('./release-command.ts')).releaseCommand,
  ':leader-duty': async () => (await import('./leader-duty.ts')).dutyCommand,
  ':module': async () => (await import('./leader-module.ts')).moduleCommand,
}

/** How to load the command that a first word names, or that we were sent for; `undefined` when there is none. */
export function commandOf(word: string | undefined, errand: Errand | undefined): Load | undefined {
  if (errand !== undefined) return ON_ERRANDS[errand]
  return word !== undefined && Object.hasOwn(COMMANDS, word) ? COMMANDS[word as CommandWord] : undefined
}
