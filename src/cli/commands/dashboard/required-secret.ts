import { Failure } from '../../../base/failure.ts'
import { hostPortText } from '../../../base/host-port.ts'
import type { CommandRequest } from '../../invocation/subcommand.ts'
import { isLoopback } from '../../options/listen-address.ts'
import { readSecret } from '../../options/secret-file.ts'
import { DASHBOARD_LISTEN, type DASHBOARD_SYNTAX } from './syntax.ts'

type DashboardOptions = CommandRequest<typeof DASHBOARD_SYNTAX.options>['options']

/**
 * The secret that browsers sign in with, if one is given. Throws a `usage` failure where it is needed and isn't: to
 * unlock, and at an address that others can reach.
 */
export function requiredSecret(
  options: Pick<DashboardOptions, 'listen' | 'secret-file' | 'allow-unlock'>,
): string | undefined {
  const { listen, 'secret-file': file, 'allow-unlock': mayUnlock } = options
  if (file === undefined && !isLoopback(listen)) {
    throw new Failure('usage', `others can reach ${hostPortText(listen)}, so a secret is needed`, {
      hint: `give --secret-file, or listen at ${DASHBOARD_LISTEN}`,
    })
  }
  if (file === undefined && mayUnlock) {
    throw new Failure('usage', 'every user of this machine could unlock, so a secret is needed', {
      hint: 'give --secret-file, or leave --allow-unlock out',
    })
  }
  return readSecret(file)
}
