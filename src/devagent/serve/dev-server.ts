import { hostname } from 'node:os'
import { cantListen } from '../../base/cant-listen.ts'
import type { Context } from '../../base/context.ts'
import { type HostPort, hostPortText } from '../../base/host-port.ts'
import { DevAgent } from '../dev-agent.ts'
import type { DnsServer } from '../dns/dns-server.ts'
import { networkProbe } from './check-probes.ts'
import { openHttpFront } from './http-front.ts'

export interface DevServerOptions {
  readonly listen: HostPort
  /** A folder that keeps what there is; without one all is gone at the end. */
  readonly data: string | undefined
  /** Where to answer DNS, too. */
  readonly dns: HostPort | undefined
  readonly environment: NodeJS.ProcessEnv
}

/** A Consul of one process, which listens. */
export interface DevServer {
  /** `http://host:port` */
  readonly address: string
  /** `host:port`, if it answers DNS. */
  readonly dnsAddress: string | undefined
  readonly agent: DevAgent
  /** Answers what is under way, and ends. */
  close(): Promise<void>
}

const LAST_ANSWERS_MS = 1000

/**
 * Starts a server. Rejects with a `local` failure when its address is taken, or none of this machine's, or its folder
 * can't be used; with a `conflict` when another one has that folder; with a `malformed` one when what is in there is
 * none of ours.
 */
export async function startDevServer(ctx: Context, options: DevServerOptions): Promise<DevServer> {
  const { clock, random } = ctx
  const { listen, data, dns, environment } = options
  const address = isUnspecified(listen.host) ? '127.0.0.1' : listen.host
  const folder =
    data === undefined ? undefined : new (await import('./data-folder.ts')).DataFolder(ctx, data, environment)
  const agent = new DevAgent({
    clock,
    random,
    node: hostname(),
    address,
    probe: networkProbe(ctx),
    onChange: () => folder?.changed(),
    image: folder?.image,
  })
  const kept = async () => folder?.kept()
  let names: DnsServer | undefined
  const end = () => {
    agent.stop()
    names?.close()
    folder?.[Symbol.dispose]()
  }
  try {
    folder?.keep(() => agent.image)
    await kept()
    if (dns) {
      const { openDns } = await import('../dns/dns-server.ts')
      names = await listening('--dns', dns, () => openDns(agent, random, dns))
    }
    const http = { clock, where: listen, keepAliveMs: 0, kept }
    const front = await listening('--listen', listen, () => openHttpFront(agent, http))
    return {
      address: `http://${hostPortText({ host: address, port: front.address.port })}`,
      dnsAddress: names?.address,
      agent,
      async close() {
        const closed = front.close(LAST_ANSWERS_MS)
        agent.stop()
        await closed
        await kept()
        end()
      },
    }
  } catch (thrown) {
    end()
    throw thrown
  }
}

async function listening<S>(option: string, where: HostPort, open: () => Promise<S>): Promise<S> {
  try {
    return await open()
  } catch (thrown) {
    throw cantListen(where, thrown, `a Consul may run there already; ${option} names another address`)
  }
}

function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
