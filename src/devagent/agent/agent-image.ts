import type { CheckDraft, ServiceDraft } from '../catalog/catalog-records.ts'
import type { RequestedCheck } from './requested-check.ts'

/** A check, and whether its status is what somebody told. */
interface CheckImage {
  readonly definition: RequestedCheck
  readonly draft: CheckDraft
  readonly wasTold: boolean
}

/** An agent's own services and checks, and its marks of maintenance. */
export interface AgentImage {
  readonly services: readonly ServiceDraft[]
  readonly checks: readonly CheckImage[]
  readonly marks: readonly CheckDraft[]
}
