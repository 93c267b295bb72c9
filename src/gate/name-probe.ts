import { lookup, Resolver } from 'node:dns/promises'
import type { Context } from '../base/context.ts'
import type { GateOf } from './gate.ts'

/** Asks once for an address of a name. Rejects with a resolver's error when there is none. */
export async function probeName(ctx: Context, { name, server }: GateOf<'dns'>): Promise<void> {
  if (server === undefined) {
    await lookup(name)
    return
  }
  const resolver = new Resolver()
  resolver.setServers([server])
  const cancel = () => resolver.cancel()
  ctx.signal.addEventListener('abort', cancel, { once: true })
  try {
    await Promise.any([resolver.resolve4(name), resolver.resolve6(name)])
  } catch (thrown) {
    throw thrown instanceof AggregateError ? thrown.errors[0] : thrown
  } finally {
    ctx.signal.removeEventListener('abort', cancel)
  }
}
