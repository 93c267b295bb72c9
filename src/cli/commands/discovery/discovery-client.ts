import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { hostPortText } from '../../../base/host-port.ts'
import { externalServices } from '../../../consul/catalog.ts'
import type { TokenClient } from '../../../discovery/token-client.ts'
import { canonicalServer } from '../../../discovery/token-list.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import type { ConsulOptions } from '../../options/consul-options.ts'
import { printLines } from '../../output/print.ts'

/** How often a lookup asks that waits. */
const ASK_AGAIN_MS = 2000

/** Publishes the servers given, or those of the local agent's cluster. Settles with the exit code. */
export async function publish(
  ctx: Context,
  client: TokenClient,
  token: string,
  words: readonly string[],
  options: ConsulOptions,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const servers = words.length > 0 ? words.map(canonicalServer) : await consulServers(ctx, options, environment)
  await client.publish(ctx, token, servers)
  ctx.log.notice(`published ${servers.join(', ')}`)
  return EXIT.done
}

/** The Consul servers of the local agent's cluster, which register themselves as the service `consul`. */
async function consulServers(ctx: Context, options: ConsulOptions, environment: NodeJS.ProcessEnv): Promise<string[]> {
  const consul = await connect(options, environment)
  try {
    const found = await externalServices(ctx, consul, 'consul')
    return found.map(({ address, port }) => canonicalServer(hostPortText({ host: address, port })))
  } finally {
    consul.close()
  }
}

/** Prints what was published, after waiting for it. Settles with the exit code. */
export async function lookup(
  ctx: Context,
  client: TokenClient,
  token: string,
  waitMs: number,
  json: boolean,
): Promise<number> {
  const begun = ctx.clock.now()
  for (let isFirst = true; ; isFirst = false) {
    const servers = await patiently(
      ctx,
      () => client.lookup(ctx, token),
      () => ctx.clock.since(begun) < waitMs,
    )
    if (servers && servers.length > 0) return printLines(json ? [JSON.stringify(servers)] : servers)
    if (ctx.clock.since(begun) >= waitMs) {
      const patience = waitMs > 0 ? ` within ${formatDuration(waitMs)}` : ''
      ctx.log.notice(`nothing was published under this token${patience}`)
      return EXIT.busy
    }
    if (isFirst) ctx.log.notice('nothing was published under this token yet; waiting')
    await sleep(ctx, Math.min(ASK_AGAIN_MS, Math.max(0, waitMs - ctx.clock.since(begun))))
  }
}

/** A server of tokens that is being restarted has not answered yet. */
async function patiently<T>(ctx: Context, ask: () => Promise<T>, mayWait: () => boolean): Promise<T | undefined> {
  try {
    return await ask()
  } catch (thrown) {
    const passes = thrown instanceof Failure && (thrown.code === 'unreachable' || thrown.code === 'unavailable')
    if (!passes || !mayWait()) throw thrown
    ctx.log.debug(thrown.message)
    return undefined
  }
}
