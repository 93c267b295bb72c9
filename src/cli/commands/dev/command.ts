import { aborted } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { hostPortText } from '../../../base/host-port.ts'
import { shellStatus } from '../../../child/exit-status.ts'
import { unlessInterrupted } from '../../../child/interruptible-wait.ts'
import { notifyService } from '../../../child/service-notify.ts'
import { type DevServer, startDevServer } from '../../../devagent/serve/dev-server.ts'
import { EXIT } from '../../exit-codes.ts'
import { turnOnCompilers } from '../../invocation/compilers.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { isLoopback, listenAddress } from '../../options/listen-address.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { commandBehind } from '../../user-command/command-behind.ts'
import { runInOurPlace } from '../../user-command/run-in-our-place.ts'
import { environmentAt } from './command-environment.ts'
import { AGENT_LISTEN, DEV_SYNTAX } from './syntax.ts'

/** Beside a command nobody has to guess the port, and tests that run at the same time don't want the same. */
const ANY_PORT = { host: '127.0.0.1', port: 0 }

/** `consul-locker dev [-- command…]` */
export const devCommand = subcommand(
  DEV_SYNTAX,
  async ({ ctx, options, words, command: line, environment, signals }) => {
    checkNoWords(words, 'consul-locker dev [options] [-- command…]')
    const command = await commandBehind(line, environment, 'serve only')
    const { data, dns } = options
    const listen = options.listen ?? (command ? ANY_PORT : listenAddress(AGENT_LISTEN)(AGENT_LISTEN, 'listen'))
    turnOnCompilers()
    const server = await startDevServer(ctx, { listen, data, dns, environment })
    try {
      tell(ctx, server, data)
      if (!isLoopback(listen)) {
        ctx.log.warn(`whoever reaches ${hostPortText(listen)} can read and change everything: there are no ACLs`)
      }
      if (command) return shellStatus(await runInOurPlace(signals, command, environmentAt(server.address, environment)))
      await notifyService(ctx, environment, {
        ready: true,
        status: `a Consul to try things with, at ${server.address}`,
      })
      await unlessInterrupted(ctx, signals, ({ signal }) => aborted(signal))
      await notifyService(ctx, environment, { stopping: true })
      return EXIT.done
    } finally {
      await server.close()
    }
  },
)

function tell(ctx: Context, { address, dnsAddress }: DevServer, data: string | undefined): void {
  const dns = dnsAddress === undefined ? '' : `, and DNS at ${dnsAddress}`
  const fate = data === undefined ? 'all is gone when it ends' : `what is there is kept in ${data}`
  ctx.log.notice(`a Consul to try things with, at ${address}${dns}: one process, no cluster, no ACLs; ${fate}`, {
    address,
  })
}
