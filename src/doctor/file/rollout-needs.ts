import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { Failure, reasonOf } from '../../base/failure.ts'
import { roleOf } from '../../rollout/host-role.ts'
import { unknownRole } from '../../rollout/role-check.ts'
import { type RolloutFile, rolloutCommandWords } from '../../rollout/rollout-file.ts'
import type { FileNeeds, NamedProgram } from './examined-file.ts'
import { lineProgram, namedProgram } from './line-program.ts'

/** Those of an upgrade's slots. */
const TIMING = { ttlMs: 35_000, renewMs: 5000 }

/** What a host of a rollout with this file needs on its machine. */
export function rolloutNeeds(
  path: string,
  file: RolloutFile,
  ownName: string,
  environment: NodeJS.ProcessEnv,
): FileNeeds {
  const programOf = (key: string, run: string | readonly string[]): NamedProgram[] =>
    typeof run === 'string'
      ? lineProgram(key, run, environment)
      : [namedProgram(key, rolloutCommandWords(run), environment.PATH)]
  const lists = Object.entries({ bootstrap: file.bootstrap, upgrade: file.upgrade, fix: file.fix })
  const programs = lists.flatMap(([key, commands]) => commands.flatMap(({ run }) => programOf(key, run)))
  const mayReboot = file.reboot.always || file.upgrade.some(({ reboot }) => reboot.length > 0)
  const { validate, version_file } = file
  const host = file.host ?? ownName
  return {
    programs: [
      ...programs,
      ...(mayReboot ? programOf('reboot', file.reboot.command) : []),
      ...(validate ? [{ key: 'validate', look: () => checkFolder('validate', validate.dir, constants.R_OK) }] : []),
      { key: 'version_file', look: () => checkFolder('version_file', dirname(version_file), constants.W_OK) },
      { key: 'role', look: () => checkRole(path, file, host) },
    ],
    cluster: undefined,
    timing: TIMING,
  }
}

function checkFolder(key: string, folder: string, mode: number): void {
  try {
    accessSync(folder, mode)
  } catch (thrown) {
    const how = mode === constants.W_OK ? 'written to' : 'read'
    throw new Failure('config', `${key}: the folder ${folder} can't be ${how}: ${reasonOf(thrown)}`, { cause: thrown })
  }
}

function checkRole(path: string, file: RolloutFile, host: string): void {
  const stranger = unknownRole(file, file.role ?? roleOf(file, host))
  if (stranger === undefined) return
  throw new Failure('config', `${path}: the role of ${host}: ${stranger}`, {
    hint: 'role: names it, where its name does not',
  })
}
