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
  /** The service that it is about; empty for one about its node. */
  readonly ServiceName: string
}

/** The check in an item of a list; `undefined` when it is none. A status that nobody knows is as bad as any. */
export function checkIn(json: unknown): WireCheck | undefined {
  if (!isObject(json) || !isName(json.CheckID)) return undefined
  const Status = WORST_FIRST.find((health) => health === json.Status) ?? 'critical'
  const { CheckID, Name, Output, ServiceName } = json
  return { CheckID, Name: textIn(Name), Status, Output: textIn(Output), ServiceName: textIn(ServiceName) }
}

/** The worst status of these checks; without any, nothing is known to be wrong. */
export function worst(checks: readonly Pick<WireCheck, 'Status'>[]): Health {
  return WORST_FIRST.find((health) => checks.some(({ Status }) => Status === health)) ?? 'passing'
}
