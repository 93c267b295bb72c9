import { accessSync, constants } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Failure, reasonOf } from '../../base/failure.ts'
import { checkCommandLine } from '../../leader/application/command-line.ts'
import { checkWatchdog } from '../../leader/guardian/watchdog-plan.ts'
import type { LeaderFile } from '../../leader/leader-file.ts'
import { leaderTiming } from '../../leader/leader-timing.ts'
import type { FileNeeds, NamedProgram } from './examined-file.ts'
import { lineProgram } from './line-program.ts'

/** What the agent of `leader` with this file needs on its machine. Throws a `config` failure. */
export function leaderNeeds(path: string, file: LeaderFile, environment: NodeJS.ProcessEnv): FileNeeds {
  const { health, ensure_master, ensure_slave, stand_by, reinit, demote, fence, ready_to_lead, on_change } = file
  const calls = { ensure_master, ensure_slave, stand_by, reinit, demote, fence, ready_to_lead, on_change }
  const lines = Object.entries({ 'health.command': health?.command, ...calls })
  const timing = leaderTiming(path, file)
  const programs = lines.flatMap(([key, line]): NamedProgram[] => {
    if (line === undefined) return []
    if (typeof line === 'string') return lineProgram(key, line, environment)
    return [{ key, look: () => void checkCommandLine(key, line, environment.PATH) }]
  })
  const { module, watchdog } = file
  const required = watchdog.mode === 'required'
  return {
    programs: [
      ...programs,
      ...(module === undefined
        ? []
        : [{ key: 'module', look: () => checkReadable('module', resolve(dirname(path), module)) }]),
      ...filesOf(file).map(([key, name]) => ({ key, look: () => checkReadable(key, name) })),
      ...(required ? [{ key: 'watchdog', look: () => void checkWatchdog(watchdog, timing) }] : []),
    ],
    cluster: undefined,
    timing,
  }
}

/** What the section of an application names: passwords, options. */
function filesOf({ application, ...file }: LeaderFile): [string, string][] {
  const section = application === undefined ? {} : (file[application as 'mysql' | 'postgres' | 'redis'] ?? {})
  return Object.entries(section).flatMap(([key, value]: [string, unknown]): [string, string][] =>
    key.endsWith('_file') && typeof value === 'string' ? [[`${application}.${key}`, value]] : [],
  )
}

function checkReadable(key: string, path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (thrown) {
    throw new Failure('config', `${key}: ${path} can't be read: ${reasonOf(thrown)}`, { cause: thrown })
  }
}
