import type { Context } from '../base/context.ts'
import type { Consul } from './consul.ts'
import type { WireCheck } from './health.ts'
import { checksOf } from './node-checks.ts'

const NODE = '_node_maintenance'
const SERVICE = '_service_maintenance:'

/**
 * Whether a check is the mark that `consul maint` sets, for a node or one of its services. It is critical, so that
 * nobody is sent there, and says nothing of how the service is; https://developer.hashicorp.com/consul/commands/maint
 */
export function isMaintenance({ CheckID }: Pick<WireCheck, 'CheckID'>): boolean {
  return CheckID === NODE || CheckID.startsWith(SERVICE)
}

/** Whether a node, or a service on it, is in maintenance. Rejects with a `Failure`. */
export async function isMaintained(ctx: Context, consul: Consul, node: string, service: string): Promise<boolean> {
  const checks = await checksOf(ctx, consul, node)
  return checks.some((check) => isMaintenance(check) && (check.CheckID === NODE || check.ServiceName === service))
}
