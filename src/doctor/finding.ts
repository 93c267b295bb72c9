import type { Failure } from '../base/failure.ts'

/** What a check has come to: all is well, something is unwise or can't be told, or it would break a run. */
export type Mark = 'fine' | 'warning' | 'failure'

/** What a check has found, in one sentence, and what to do about it when it isn't fine. */
export interface Finding {
  readonly mark: Mark
  readonly said: string
  readonly cure?: string | undefined
}

export function fine(said: string): Finding {
  return { mark: 'fine', said }
}

/** It need not break a run. */
export function warning(said: string, cure?: string): Finding {
  return { mark: 'warning', said, cure }
}

/** It would break a run. */
export function broken(said: string, cure?: string): Finding {
  return { mark: 'failure', said, cure }
}

/** What a run would end with. */
export function brokenBy({ message, hint }: Failure): Finding {
  return broken(message, hint)
}

/** Nobody knows, for this reason. */
export function untold(why: string, cure?: string): Finding {
  return warning(`can't tell: ${why}`, cure)
}
