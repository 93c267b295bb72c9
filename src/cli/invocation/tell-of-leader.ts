import type { Context } from '../../base/context.ts'
import { oneLine } from '../../base/printable.ts'
import type { Consul } from '../../consul/consul.ts'
import { leaderNode } from '../../overview/leaders.ts'

const LONGEST_HOST = 60

/**
 * Tells that the application of this name is led, which is by another key than that of the lock, and so not to be seen
 * there; `aside` is what else is to be said of it.
 */
export async function tellOfLeader(ctx: Context, consul: Consul, name: string, aside = ''): Promise<void> {
  const node = await leaderNode(ctx, consul, name)
  if (node === undefined) return
  ctx.log.notice(`${name} is led by ${oneLine(node, LONGEST_HOST)}${aside}: consul-locker leader status ${name}`)
}
