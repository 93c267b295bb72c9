import type { FailureCode } from '../base/failure.ts'
import type { Action } from '../init/role-rules.ts'
import { EXIT } from './exit-codes.ts'

// https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/iniscrptact.html
const LSB = {
  failed: 1,
  usage: EXIT.usage,
  notPermitted: 4,
  notInstalled: 5,
  notConfigured: 6,
  statusUnknown: 4,
} as const

/** The exit code that an init script gives for a failure. */
export function lsbCode(action: Action, code: FailureCode): number {
  if (code === 'usage') return LSB.usage
  if (action === 'status') return LSB.statusUnknown
  switch (code) {
    case 'config':
      return LSB.notConfigured
    case 'not-executable':
      return LSB.notPermitted
    case 'not-found':
      return LSB.notInstalled
    default:
      return LSB.failed
  }
}
