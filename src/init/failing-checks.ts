import { Failure, messageOf } from '../base/failure.ts'

/** States of a check that may have a trigger. */
export const TRIGGER_STATES = ['critical', 'warning'] as const

export type TriggerState = (typeof TRIGGER_STATES)[number]

/** A service that Consul's own watch of failing checks names. */
export interface FailingService {
  readonly node: string
  readonly service: string
  /** What its check has said, for people; empty when it has not run yet. */
  readonly output: string
}

/** The fields that matter of what a watch of type `checks` gives its handler. */
interface ListedCheck {
  readonly Node: string
  readonly ServiceName: string
  readonly Output: string
  readonly Status?: string
}

/**
 * Reads a list of checks, or a single one; `source` is where it comes from. One that says that it is in another state
 * than this doesn't count, and one without a service is its node's. Throws a `usage` failure for anything else.
 */
export function parseFailingChecks(text: string, state: TriggerState, source: string): FailingService[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (thrown) {
    throw noChecks(source, `is not JSON: ${messageOf(thrown)}`)
  }
  if (json === null) return [] // Consul's word for an empty list.
  const list: unknown[] = Array.isArray(json) ? json : [json]
  if (!list.every(isCheck)) throw noChecks(source, 'is no list of checks')
  return list
    .filter(({ ServiceName, Status = state }) => ServiceName !== '' && Status === state)
    .map(({ Node, ServiceName, Output }) => ({ node: Node, service: ServiceName, output: Output }))
}

function isCheck(item: unknown): item is ListedCheck {
  const { Node, ServiceName, Output, Status = '' } = (item ?? {}) as Partial<ListedCheck>
  return [Node, ServiceName, Output, Status].every((field) => typeof field === 'string')
}

function noChecks(source: string, how: string): Failure {
  return new Failure('usage', `${source} ${how}`, {
    hint: 'a check is an object with Node, ServiceName and Output, as a Consul watch of type checks gives it',
  })
}
