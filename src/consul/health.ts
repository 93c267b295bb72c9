import { isName, isObject, textIn } from './fields.ts'

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

/** The check in an item of a list; `undefined` when it is none. A status that nobody knows is as bad as any. */
export function checkIn(json: unknown): WireCheck | undefined {
  if (!isObject(json) || !isName(json.CheckID)) return undefined
  const Status = WORST_FIRST.find((health) => health === json.Status) ?? 'critical'
  return { CheckID: json.CheckID, Name: textIn(json.Name), Status, Output: textIn(json.Output) }
}

/** The worst status of these checks; without any, nothing is known to be wrong. */
export function worst(checks: readonly WireCheck[]): Health {
  return WORST_FIRST.find((health) => checks.some(({ Status }) => Status === health)) ?? 'passing'
}
