import { expect, inject } from 'vitest'
import type { Held } from '../../../src/library/held.ts'

export const consul = { address: inject('consulAddress') }

/** Does nothing until its signal aborts; rejects with the reason. */
export function untilAborted({ signal }: Pick<Held, 'signal'>): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** What a promise rejects with. */
export const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => expect.unreachable(`it settled with ${value}`),
    (thrown: unknown) => thrown,
  )
