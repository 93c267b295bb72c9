import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import type { Consul } from './consul.ts'
import { LIST_RULES, readList } from './list.ts'

/**
 * Tells when Consul shows no nodes, of which there is always one: it leaves out of its lists, without a word, what a
 * token may not see, and with the nodes all instances of services. Who reads those would believe that there are none.
 * Settles with whether nodes are to be seen; what keeps us from finding out is no verdict.
 */
export async function tellOfUnseenNodes(ctx: Context, consul: Consul): Promise<boolean> {
  try {
    if ((await readList(ctx, consul, '/v1/catalog/nodes')).length > 0) return true
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    ctx.log.debug(messageOf(thrown))
    return true
  }
  const rules = consul.rules.length > 0 ? consul.rules.join(' ') : LIST_RULES
  ctx.log.warn(`Consul shows this token no nodes, and so no services; it needs the ACL rules: ${rules}`)
  return false
}

/**
 * Rejects with a `refused` failure when Consul shows no nodes, so that an empty list says nothing: `what` can't be
 * seen. Who would believe it might take a living primary for dead, or a failed host for sound.
 */
export async function checkSeesNodes(ctx: Context, consul: Consul, what: string): Promise<void> {
  if (await tellOfUnseenNodes(ctx, consul)) return
  throw new Failure('refused', `${what} can't be seen`, { hint: '--token-file, CONSUL_HTTP_TOKEN' })
}
