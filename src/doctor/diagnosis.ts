import type { Failure } from '../base/failure.ts'

/** What a check has come to: all is well, something is unwise or can't be told, or it would break a run. */
export type Mark = 'fine' | 'warning' | 'failure'

/** What a check has found, in one sentence, and what to do about it when it isn't fine. */
export interface Diagnosis {
  readonly mark: Mark
  readonly said: string
  readonly cure?: string | undefined
}

export function fine(said: string): Diagnosis {
  return { mark: 'fine', said }
}

/** It need not break a run. */
export function warning(said: string, cure?: string): Diagnosis {
  return { mark: 'warning', said, cure }
}

/** It would break a run. */
export function breaks(said: string, cure?: string): Diagnosis {
  return { mark: 'failure', said, cure }
}

const TOO_MANY = 'this machine may have used up http_max_conns_per_client: ss -tnp shows who is connected'

/** What a run would end with. An agent that has too many connections from one address closes the next, or says so. */
export function breaksBy({ message, hint }: Failure): Diagnosis {
  if (/ answers 429/.test(message)) return breaks(message, TOO_MANY)
  return breaks(message, /closes the connection/.test(message) ? `${hint} If it is, ${TOO_MANY}` : hint)
}

/** Nobody knows, for this reason. */
export function cantTell(why: string, cure?: string): Diagnosis {
  return warning(`can't tell: ${why}`, cure)
}
