import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import type { Step } from './protocol.ts'

/** The failure of a step that took too long; `trouble` is what Consul ails meanwhile. */
export function lateness(step: Step | undefined, stepMs: number, trouble: Failure | undefined): Failure {
  const time = formatDuration(stepMs)
  if (step?.kind !== 'await' && step?.kind !== 'confirm') {
    return new Failure('declined', trouble?.message ?? `Consul let nothing be changed within ${time}`)
  }
  const { kind, direction, at } = step
  const done = kind === 'confirm' ? 'has not started' : direction === 'demote' ? 'has not stopped' : 'was not ready'
  return new Failure('declined', `${at.node} ${done} within ${time}`, {
    hint: `see that the watch on its ${direction} flag runs there${kind === 'confirm' ? ', and that its check passes' : ''}`,
  })
}
