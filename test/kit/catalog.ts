import { patiently } from './locker.ts'

/** Reads JSON of an agent, by a path below /v1. */
type Read = (path: string) => Promise<unknown>

interface Instance {
  readonly Service: { readonly ID: string }
  readonly Checks: readonly { readonly ServiceID: string; readonly Status: string }[]
}

/**
 * Waits until Consul's servers know an instance of a service, and a check of it with this status: an agent answers who
 * registers something there before it has told the servers.
 */
export async function isKnown(
  read: Read,
  service: string,
  { id = service, status }: { readonly id?: string; readonly status?: string } = {},
): Promise<void> {
  const look = async () => {
    const found = ((await read(`/health/service/${service}`)) as Instance[]).find(({ Service }) => Service.ID === id)
    return found && (status === undefined || found.Checks.some((one) => one.ServiceID === id && one.Status === status))
  }
  await patiently(look, () => `Consul's servers don't know ${id} as ${status ?? 'registered'}`)
}

/** Waits until the servers know whether a node is in maintenance. */
export async function isMaintained(read: Read, node: string, isSo: boolean): Promise<void> {
  const look = async () => {
    const checks = (await read(`/health/node/${node}`)) as { readonly CheckID: string }[]
    return checks.some(({ CheckID }) => CheckID === '_node_maintenance') === isSo
  }
  await patiently(look, () => `Consul's servers don't know whether ${node} is in maintenance`)
}
