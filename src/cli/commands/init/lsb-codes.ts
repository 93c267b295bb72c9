import type { FailureCode } from '../../../base/failure.ts'
import type { InitAction } from '../../../init/role-rules.ts'
import { LSB_EXIT, LSB_STATUS_EXIT } from '../../exit-codes.ts'

/** The exit code that an init script gives for a failure. */
export function lsbCode(action: InitAction, code: FailureCode): number {
  if (code === 'usage') return LSB_EXIT.usage
  if (action === 'status') return LSB_STATUS_EXIT.unknown
  switch (code) {
    case 'config':
      return LSB_EXIT.notConfigured
    case 'not-executable':
      return LSB_EXIT.notPermitted
    case 'not-found':
      return LSB_EXIT.notInstalled
    default:
      return LSB_EXIT.failed
  }
}
