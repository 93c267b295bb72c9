import { existsSync } from 'node:fs'
import { Failure } from '../base/failure.ts'
import { type Executable, findExecutable } from '../child/executable.ts'
import type { InitFile } from './init-file.ts'
import { quotedWords } from './quoted-words.ts'

export type ServiceAction = 'start' | 'stop' | 'status'

const SYSTEMCTL = {
  start: 'systemctl start {service}',
  stop: 'systemctl stop {service}',
  status: 'systemctl is-active {service}',
}
const SERVICE = 'service {service} {action}'

/** Whether the service commands are the system's own, which only root may give. */
export function needsRoot({ service_command }: InitFile): boolean {
  return service_command === undefined || service_command === 'systemctl' || service_command === 'service'
}

/**
 * The command that tells whether systemd has a unit of this name, for which `status` has but one word; `undefined`
 * where systemd isn't asked.
 */
export function unitQuery(file: InitFile, service: string, path: string | undefined): Executable | undefined {
  if (templateOf(file, 'status') !== SYSTEMCTL.status) return undefined
  return findExecutable(['systemctl', 'show', '--property=LoadState', service], path)
}

/** Whether the words of a status, or of a unit's query, say that there is no such service. */
export function isMisspelt(output: string): boolean {
  return /: unrecognized service$|^LoadState=not-found$/m.test(output)
}

/**
 * The command that does something to a local service: systemd's where that runs the machine, `service` elsewhere, or
 * the file's own template. Throws `not-found` and `not-executable` failures.
 */
export function serviceCommand(
  file: InitFile,
  service: string,
  action: ServiceAction,
  path: string | undefined,
): Executable {
  const words = quotedWords(templateOf(file, action)).map((word) =>
    word.replaceAll('{service}', service).replaceAll('{action}', action),
  )
  const [first, ...rest] = words
  if (first === undefined) throw new Failure('config', `the service_command of ${file.name} is empty`)
  return findExecutable([first, ...rest], path)
}

function templateOf({ service_command }: InitFile, action: ServiceAction): string {
  if (typeof service_command === 'object') return service_command[action]
  switch (service_command) {
    case 'systemctl':
      return SYSTEMCTL[action]
    case 'service':
      return SERVICE
    case undefined:
      return existsSync('/run/systemd/system') ? SYSTEMCTL[action] : SERVICE
    default:
      return service_command
  }
}
