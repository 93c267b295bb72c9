import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { unlessInterrupted } from '../../../child/interruptible-wait.ts'
import type { DevAgent } from '../../../devagent/dev-agent.ts'
import { startDevServer } from '../../../devagent/serve/dev-server.ts'
import { EXIT } from '../../exit-codes.ts'
import type { Invocation } from '../../invocation/invocation.ts'
import { listenAddress } from '../../options/listen-address.ts'
import { print, printed } from '../../output/print.ts'
import { AGENT_LISTEN } from './syntax.ts'

const LOOK_MS = 1000
/** For so long nobody has asked, and no session lives: longer than runs are apart that somebody starts by hand. */
const UNUSED_MS = 15_000

/**
 * `consul-locker :dev-server ADDRESS`, for a run with `--dev`: a server that several runs share, and that ends when
 * none has used it for a while, or at a signal. Tells by a line on standard output whether it serves.
 */
export async function serveDev({ words, environment, context, signals }: Invocation): Promise<number> {
  const ctx = context({ 'log-format': undefined, quiet: false })
  const listen = listenAddress(AGENT_LISTEN)(words[0] ?? '', 'listen')
  try {
    const server = await startDevServer(ctx, { listen, data: undefined, dns: undefined, environment })
    print('ready')
    await printed(ctx, EXIT.done)
    await unlessInterrupted(ctx, signals, (ctx) => unused(ctx, server.agent))
    await server.close()
    return EXIT.done
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    return print(thrown.message)
  }
}

/** Settles when nobody has used the agent for a while. */
async function unused(ctx: Context, agent: DevAgent): Promise<void> {
  let [requests, idleMs] = [-1, 0]
  while (idleMs < UNUSED_MS) {
    const isUsed = agent.requests !== requests || agent.blockedReads > 0 || agent.operator.sessions().length > 0
    requests = agent.requests
    await sleep(ctx, LOOK_MS)
    idleMs = isUsed ? 0 : idleMs + LOOK_MS
  }
}
