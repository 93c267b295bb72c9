import { constants } from 'node:os'

/** How a process ended: with a code, or killed by a signal. */
export type ExitStatus = { readonly code: number } | { readonly signal: NodeJS.Signals }

/** The status that a shell reports: the code itself, or 128 + the signal's number. */
export function shellStatus(status: ExitStatus): number {
  return 'code' in status ? status.code : 128 + constants.signals[status.signal]
}
