import { hostname } from 'node:os'
import { Failure } from '../../../base/failure.ts'
import { GuardianSupervisor } from '../../../child/guardian-supervisor.ts'
import { internalRelease } from '../../../child/internal-command.ts'
import { userName } from '../../../host/user-name.ts'
import { roleOf } from '../../../rollout/host-role.ts'
import type { HostRollout } from '../../../rollout/host-rollout.ts'
import { LocalVersion } from '../../../rollout/local-version.ts'
import { unknownRole } from '../../../rollout/role-check.ts'
import { parseRolloutFile, type RolloutFile, readRolloutFile } from '../../../rollout/rollout-file.ts'
import { checkKeyWord, RolloutKeys } from '../../../rollout/rollout-keys.ts'
import { WaitFile } from '../../../rollout/wait-file.ts'
import { connect } from '../../connection/connect.ts'
import { orFromFile } from '../../connection/consul-of-file.ts'
import { consulVariables } from '../../connection/consul-variables.ts'
import type { RolloutCommandOptions } from './syntax.ts'

/** A host's part in a rollout, by options and file. Nothing is sent yet. Throws `usage` and `config` failures. */
export async function hostRollout(
  environment: NodeJS.ProcessEnv,
  options: RolloutCommandOptions,
): Promise<HostRollout> {
  const path = options.file
  const file: RolloutFile = path === undefined ? parseRolloutFile('the options', '{}') : readRolloutFile(path)
  const settings = orFromFile(options, file.consul, environment)
  const host = checkKeyWord('host', options.host ?? file.host ?? hostname())
  const versionFile = options['version-file'] ?? file.version_file
  const role = checkKeyWord('role', file.role ?? roleOf(file, host))
  const open = () => connect(settings, environment)
  return {
    consul: await open(),
    connect: open,
    keys: new RolloutKeys(options.prefix ?? file.prefix),
    file,
    host,
    role,
    local: new LocalVersion(versionFile),
    wait: new WaitFile(`${versionFile}.waiting`),
    environment,
    self: { host, pid: process.pid, user: userName() },
    startGuardian: (ctx, folder, graceMs) =>
      new GuardianSupervisor(ctx.clock, ctx.log, {
        graceMs,
        // Only a group and its session are ended: a service that a command has started must live on.
        marker: undefined,
        ...internalRelease('slots', [folder], { ...environment, ...consulVariables(settings) }),
      }),
  }
}

/**
 * Checks that a host that takes steps has one of the roles that its file names; who only looks at the fleet, or steers
 * it, may have none. Throws a `config` failure.
 */
export function checkOwnRole({ file, host, role }: HostRollout, path: string): void {
  const stranger = unknownRole(file, role)
  if (stranger === undefined) return
  throw new Failure('config', `${path}: the role of ${host}: ${stranger}`, {
    hint: 'role: names it, where its name does not',
  })
}
