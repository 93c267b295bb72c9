import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { awaitGates } from '../gate/await-gates.ts'
import { describeMissing } from '../gate/missing-reporter.ts'
import type { HostRollout } from './host-rollout.ts'

/** How a rollout's gates stand. */
export interface FleetGates {
  /** Those that are shut for all hosts, for Consul says so; empty when there are none. */
  readonly shut: string
  /** Those that only each host itself can look at: what is reachable from here says nothing of there. */
  readonly onHosts: readonly string[]
}

/**
 * Looks at the gates that Consul knows about. Who may read what a rollout has recorded may not read all of them: that
 * is warned of.
 */
export async function readFleetGates(
  ctx: Context,
  rollout: Pick<HostRollout, 'file' | 'connect' | 'environment'>,
): Promise<FleetGates> {
  const { gates } = rollout.file
  const known = gates.filter(({ kind }) => kind === 'service' || kind === 'kv')
  const onHosts = gates.filter((gate) => !known.includes(gate)).map(({ text }) => text)
  if (known.length === 0) return { shut: '', onHosts }
  try {
    const { missing } = await awaitGates(ctx, rollout, known, { timeoutMs: 0 })
    return { shut: describeMissing(missing), onHosts }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`the gates can't be looked at: ${thrown.message}`)
    return { shut: '', onHosts: gates.map(({ text }) => text) }
  }
}
