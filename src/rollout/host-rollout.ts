import type { Context } from '../base/context.ts'
import type { Guardian } from '../child/guardian.ts'
import type { Consul } from '../consul/consul.ts'
import type { HolderRecord } from '../lock/holder-record.ts'
import type { LocalVersion } from './local-version.ts'
import type { RolloutFile } from './rollout-file.ts'
import type { RolloutKeys } from './rollout-keys.ts'
import type { WaitFile } from './wait-file.ts'

/** One host with its part in a rollout. */
export interface HostRollout {
  readonly consul: Consul
  readonly keys: RolloutKeys
  readonly file: RolloutFile
  readonly host: string
  readonly role: string
  readonly local: LocalVersion
  readonly wait: WaitFile
  readonly environment: NodeJS.ProcessEnv
  /** Who we are, for the holder record. */
  readonly self: Pick<HolderRecord, 'host' | 'pid' | 'user'>
  /** Opens a client of Consul for a gate that needs one; who asked for it closes it. */
  connect(): Promise<Consul>
  /** Starts who ends our commands and gives the slots below a folder back, should we be killed. */
  startGuardian(ctx: Context, folder: string, graceMs: number): Guardian
}
