/** A check's status; of several, the worst counts. */
export type Health = 'passing' | 'warning' | 'critical'

const WORST_FIRST: readonly Health[] = ['critical', 'warning', 'passing']

/** A check as Consul lists it. */
export interface WireCheck {
  readonly CheckID: string
  readonly Name: string
  readonly Status: Health
  readonly Output: string
}

/** The worst status of these checks; without any, nothing is known to be wrong. */
export function worst(checks: readonly WireCheck[]): Health {
  return WORST_FIRST.find((health) => checks.some(({ Status }) => Status === health)) ?? 'passing'
}
