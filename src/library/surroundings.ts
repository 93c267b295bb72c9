import { type Clock, systemClock } from '../base/clock.ts'
import type { Context } from '../base/context.ts'
import { logOf } from './log-callback.ts'
import type { LockOptions } from './options.ts'
import { type Client, clientOf } from './shared-connection.ts'

/** What a program stands on: a clock, random numbers and a way to Consul. A simulation brings its own. */
export interface Surroundings {
  readonly clock: Clock
  readonly random: () => number
  /** A client of Consul for one who needs it. Rejects with a `usage` failure. */
  clientOf(wanted: LockOptions['consul']): Promise<Client>
}

/** Those of this process. */
export const PROCESS: Surroundings = { clock: systemClock, random: Math.random, clientOf }

/** One that never aborts. */
export const unending = (): AbortSignal => new AbortController().signal

/** What everything here runs in. */
export function contextOf(
  { clock, random }: Surroundings,
  { log, signal = unending() }: Pick<LockOptions, 'log' | 'signal'>,
): Context {
  return { clock, log: logOf(log), signal, random }
}
