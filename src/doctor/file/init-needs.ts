import { Failure } from '../../base/failure.ts'
import { checkFenceCommand } from '../../init/fence-command.ts'
import type { InitFile } from '../../init/init-file.ts'
import { needsRoot, type ServiceAction, serviceCommand } from '../../init/service-command.ts'
import type { FileNeeds, NamedProgram } from './examined-file.ts'

/** Those of a switch's lock. */
const TIMING = { ttlMs: 10_000, renewMs: 5000 }
const ACTIONS: readonly ServiceAction[] = ['start', 'stop', 'status']

/** What an init script needs on its machine. */
export function initNeeds(file: InitFile, environment: NodeJS.ProcessEnv): FileNeeds {
  const { PATH } = environment
  const key = 'service_command'
  const programs = file.local_services.flatMap((service) =>
    ACTIONS.map((action): NamedProgram => ({ key, look: () => void serviceCommand(file, service, action, PATH) })),
  )
  return {
    programs: [
      ...programs,
      { key: 'fence_command', look: () => checkFenceCommand(file, environment) },
      ...(needsRoot(file) ? [{ key, look: checkRoot }] : []),
    ],
    cluster: { service: file.consul_service, key: `${file.cluster_key}/${file.consul_service}` },
    timing: TIMING,
  }
}

function checkRoot(): void {
  if (process.getuid?.() === 0) return
  throw new Failure('local', "the system's services are root's to start and stop, and we are not root", {
    hint: 'try doctor as root, too',
  })
}
