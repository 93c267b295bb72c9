import { dirname, resolve } from 'node:path'
import type { Context } from '../base/context.ts'
import { checkCommand } from '../leader/command-line.ts'
import { CommandedApplication, type ModuleRunner } from '../leader/commands.ts'
import { type LeaderFile, readLeaderFile } from '../leader/leader-file.ts'
import { leaderTiming } from '../leader/leader-timing.ts'
import { listModule, moduleRunner } from './leader-module.ts'

/** What a file makes of an agent, once the module that it may name is known. */
export interface Plan {
  readonly file: LeaderFile
  readonly module: ModuleRunner | undefined
  readonly application: CommandedApplication
}

/** What the application's commands find in their environment. What systemd wants to hear is not theirs to say. */
export function environmentOf(
  { NOTIFY_SOCKET: _, ...environment }: NodeJS.ProcessEnv,
  name: string,
  node: string,
): NodeJS.ProcessEnv {
  return { ...environment, CONSUL_LOCKER_NAME: name, CONSUL_LOCKER_NODE: node }
}

/**
 * Reads an agent's file, and looks at all that it names. `environment` is ours; `node` is the node's name, or empty as
 * long as that isn't known. Rejects with a `config` failure.
 */
export async function readPlan(
  ctx: Context,
  path: string,
  environment: NodeJS.ProcessEnv,
  node: string,
): Promise<Plan> {
  const read = readLeaderFile(path)
  const file = { ...read, ...(read.module ? { module: resolve(dirname(path), read.module) } : {}) }
  leaderTiming(path, file)
  const own = environmentOf(environment, file.name, node)
  const { health, ensure_master, ensure_slave, demote, fence, ready_to_lead } = file
  const lines = { 'health.command': health?.command, ensure_master, ensure_slave, demote, fence, ready_to_lead }
  for (const [key, line] of Object.entries(lines)) {
    if (line !== undefined) checkCommand(`${path}: ${key}`, line, own.PATH)
  }
  const module = file.module ? moduleRunner(file.module, await listModule(ctx, file.module, own)) : undefined
  const application = new CommandedApplication(file, module, own)
  if (!application.canDemote) {
    ctx.log.warn(`${path} says no demote: an old master stays one until ensure_slave has it follow the new one`)
  }
  return { file, module, application }
}

/** The keys that a running agent can't take over: what others rely on, or the safety of the lock. */
export function fixedKeys(before: LeaderFile, after: LeaderFile): string[] {
  const keys = ['name', 'port', 'address', 'api', 'check_interval', 'lock_key', 'ttl', 'lock_delay', 'consul'] as const
  const text = (value: unknown) => JSON.stringify(value)
  const changed: string[] = keys.filter((key) => text(before[key]) !== text(after[key]))
  const timeouts = (['demote', 'fence'] as const).filter((key) => before.timeouts[key] !== after.timeouts[key])
  return [...changed, ...timeouts.map((key) => `timeouts.${key}`)]
}
