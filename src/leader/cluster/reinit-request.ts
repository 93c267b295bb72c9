import * as v from 'valibot'
import { storedInstant, storedText } from '../../consul/stored-value.ts'

/** An operator wants a node's data replaced by the master's. It stands until that is done. */
export interface ReinitRequest {
  readonly id: string
  readonly by: string
  readonly at: string
  /** How far the node's agent is, since `since`; absent: it hasn't begun. */
  readonly state?: 'running' | 'failed'
  readonly since?: string
  /** Why it failed. It isn't tried again by itself. */
  readonly message?: string
}

export const REINIT_REQUEST: v.GenericSchema<unknown, ReinitRequest> = v.object({
  id: storedText,
  by: storedText,
  at: storedInstant,
  state: v.exactOptional(v.picklist(['running', 'failed'])),
  since: v.exactOptional(storedInstant),
  message: v.exactOptional(storedText),
})
