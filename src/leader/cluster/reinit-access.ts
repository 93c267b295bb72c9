import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { compareAndSet } from '../../consul/compare-and-set.ts'
import { storedAs } from '../../consul/stored-value.ts'
import type { ClusterAccess } from './cluster-access.ts'
import type { ClusterStatus } from './cluster-status.ts'
import { REINIT_REQUEST, type ReinitRequest } from './reinit-request.ts'

/**
 * The node whose data would replace those of this one. Throws a `precondition` failure when that can't be: it is the
 * master itself, there is none, nobody is there to do it, or nobody is to be touched.
 */
export function sourceOfReinit(
  { name, master, promoting, members, maintenanceUntil }: ClusterStatus,
  node: string,
): string {
  const refuse = (sentence: string, hint?: string) => new Failure('precondition', sentence, { hint })
  const member = members.find((member) => member.node === node)
  if (!member) {
    const known = members.map(({ node }) => node).join(', ')
    throw refuse(`no agent of ${name} is registered on ${node}`, `its nodes are ${known}`)
  }
  if (!master || promoting) throw refuse(`${name} has no master whose data ${node} could take`)
  if (master.node === node) {
    throw refuse(
      `${node} is the master of ${name}: its data are what the others take`,
      `consul-locker leader step-down ${name}`,
    )
  }
  const until = maintenanceUntil ?? member.maintenanceUntil
  if (until) throw refuse(`${name} on ${node} is in maintenance until ${until}`, 'maintenance --off ends it')
  return master.node
}

/** Puts a request to Consul. Rejects with a `conflict` failure when one stands there that isn't done yet. */
export async function requestReinit(
  ctx: Context,
  { consul, name, keys }: ClusterAccess,
  node: string,
  request: ReinitRequest,
): Promise<void> {
  await compareAndSet(ctx, consul, keys.reinit + node, (entry) => {
    const before = entry && storedAs(REINIT_REQUEST, entry.value)
    if (before && before.state !== 'failed') {
      const how = before.state === 'running' ? 'is under way' : 'has been asked for'
      throw new Failure('conflict', `that ${how} already, by ${before.by}`, {
        hint: `see consul-locker leader status ${name}; to take it back: consul kv delete ${keys.reinit}${node}`,
      })
    }
    return { value: JSON.stringify(request) }
  })
}
