import { Failure } from '../../base/failure.ts'

/** The run that this process is part of, by what it left in the environment. */
export interface EnclosingRun {
  readonly name: string
  /** Of all locks that it holds. */
  readonly keys: readonly [string, ...string[]]
  readonly session: string
  readonly runId: string
}

/** Throws a `usage` failure outside of a run. */
export function enclosingRun(environment: NodeJS.ProcessEnv): EnclosingRun {
  const {
    CONSUL_LOCKER_NAME: name,
    CONSUL_LOCKER_KEY: key,
    CONSUL_LOCKER_KEYS: all = '',
    CONSUL_LOCKER_SESSION: session,
    CONSUL_LOCKER_RUN_ID: runId,
  } = environment
  if (name && key && session && runId) {
    const others = all.split(' ').filter((other) => other !== '' && other !== key)
    return { name, keys: [key, ...others], session, runId }
  }
  throw new Failure('usage', 'this works only inside a run', {
    hint: 'in a command that consul-locker <name> <command> started',
  })
}
