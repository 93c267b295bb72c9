import { dirname, resolve } from 'node:path'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Timing } from '../lock/lease-timing.ts'
import { checkCommandLine } from './application/command-line.ts'
import { type ApplicationDriver, loadDriver } from './application/driver.ts'
import { type LeaderKeys, leaderKeys } from './cluster/leader-keys.ts'
import { checkWatchdog, type WatchdogSettings } from './guardian/watchdog-plan.ts'
import { type LeaderFile, readLeaderFile } from './leader-file.ts'
import { leaderTiming } from './leader-timing.ts'

/** What an agent is to do: its file, and all that follows from it. */
export interface AgentPlan {
  readonly path: string
  readonly file: LeaderFile
  readonly keys: LeaderKeys
  readonly timing: Timing
  readonly driver: ApplicationDriver
  /** The watchdog's device, when there is one that can be relied on. */
  readonly watchdog: string | undefined
}

/**
 * Reads an agent's file, and looks at all that it names; `environment` is ours. Rejects with a `config` failure, and
 * warns of a file that is dangerous.
 */
export async function readAgentPlan(ctx: Context, path: string, environment: NodeJS.ProcessEnv): Promise<AgentPlan> {
  const read = readLeaderFile(path)
  const file = { ...read, ...(read.module ? { module: resolve(dirname(path), read.module) } : {}) }
  const timing = leaderTiming(path, file)
  checkCommandLines(path, file, environment.PATH)
  const own = commandEnvironment(environment, file.name, '')
  const driver = await loadDriver(ctx, file, own)
  if (!canDemote(file, driver)) {
    ctx.log.warn(`${path} says no demote: an old master stays one until ensure_slave has it follow the new one`)
  }
  const watchdog = watchdogOf(ctx, file.watchdog, timing)
  return { path, file, keys: leaderKeys(file.name, file.lock_key), timing, driver, watchdog }
}

function watchdogOf(ctx: Context, settings: WatchdogSettings, timing: Timing): string | undefined {
  if (settings.mode === 'off') return undefined
  try {
    const worry = checkWatchdog(settings, timing)
    if (worry !== undefined) ctx.log.warn(worry)
    return settings.device
  } catch (thrown) {
    if (settings.mode === 'required' || !(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`going on without a watchdog: ${thrown.message}${thrown.hint ? ` (${thrown.hint})` : ''}`)
    return undefined
  }
}

function canDemote({ application, demote }: LeaderFile, { moduleExports }: ApplicationDriver): boolean {
  return application !== undefined || demote !== undefined || moduleExports.includes('demote')
}

function checkCommandLines(path: string, file: LeaderFile, searched: string | undefined): void {
  const { health, ensure_master, ensure_slave, stand_by, reinit, demote, fence, ready_to_lead, on_change } = file
  const calls = { ensure_master, ensure_slave, stand_by, reinit, demote, fence, ready_to_lead, on_change }
  const lines = { 'health.command': health?.command, ...calls }
  for (const [key, line] of Object.entries(lines)) {
    if (line !== undefined) checkCommandLine(`${path}: ${key}`, line, searched)
  }
}

/** What the application's commands find in their environment. What systemd wants to hear is not theirs to say. */
export function commandEnvironment(
  { NOTIFY_SOCKET: _, ...environment }: NodeJS.ProcessEnv,
  name: string,
  node: string,
): NodeJS.ProcessEnv {
  return { ...environment, CONSUL_LOCKER_NAME: name, CONSUL_LOCKER_NODE: node }
}
