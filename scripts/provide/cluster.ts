import { type ConsulAgent, startConsul } from './agent.ts'
import { freePorts, type Ports } from './ports.ts'
import { acceptsSessions } from './readiness.ts'

/** The Consul that contenders meet. */
export interface Cluster {
  readonly servers: readonly ConsulAgent[]
  /** The local agent of each host. */
  readonly agents: readonly ConsulAgent[]
  /** The address that each host's own traffic is on. */
  readonly addresses: readonly string[]
  /** The token that may do anything, where others may do nothing without one. */
  readonly rootToken: string | undefined
  /** The server that leads now; waits for one. */
  leader(): Promise<ConsulAgent>
}

/** One agent for all, with all data in its memory. */
export async function startSmallCluster(hosts: number, cleanUp: AsyncDisposableStack): Promise<Cluster> {
  const server = await startConsul()
  cleanUp.defer(() => server.stop())
  const all = <T>(item: T) => Array.from({ length: hosts }, () => item)
  const addresses = all('127.0.0.1')
  return { servers: [server], agents: all(server), addresses, rootToken: undefined, leader: async () => server }
}

/**
 * Three servers, and a client agent for each host, each on a loopback address of its own; with Consul's own timing, and
 * ACLs that deny what no token allows.
 */
export async function startCluster(hosts: number, cleanUp: AsyncDisposableStack): Promise<Cluster> {
  const net = `127.${64 + ((process.pid >> 8) % 64)}.${process.pid % 256}`
  const numbered = (count: number, first: number) => Array.from({ length: count }, (_, n) => `${net}.${first + n}`)
  const places = await Promise.all(numbered(3, 11).map(async (bind) => ({ bind, ports: await portsOn(bind) })))
  const join = places.map(({ bind, ports }) => `${bind}:${ports.serf_lan}`)
  const starting = async (options: Parameters<typeof startConsul>[0]) => {
    const agent = await startConsul({
      mode: 'server',
      probe: ({ address }) => acceptsSessions(address, ROOT_TOKEN),
      ...options,
    })
    cleanUp.defer(() => agent.stop())
    return agent
  }
  const servers = await settled(
    places.map(({ bind, ports }, n) =>
      starting({
        bind,
        ports,
        node: `server${n + 1}`,
        config: { bootstrap_expect: 3, retry_join: join, ...QUICK_JOIN, ...ACL },
      }),
    ),
  )
  const addresses = numbered(hosts, 21)
  const agents = await settled(
    addresses.map((bind, n) =>
      starting({
        bind,
        ports: { serf_wan: -1 },
        node: hostName(n),
        config: { ...CLIENT, retry_join: join, ...QUICK_JOIN, ...ACL },
      }),
    ),
  )
  return { servers, agents, addresses, rootToken: ROOT_TOKEN, leader: () => leaderOf(servers) }
}

/** The name of a host, by its number from 0 on. */
export function hostName(n: number): string {
  return `host${n + 1}`
}

const QUICK_JOIN = { retry_interval: '1s' }
const ROOT_TOKEN = 'root'
const ACL = {
  primary_datacenter: 'dc1',
  acl: { enabled: true, default_policy: 'deny', tokens: { master: ROOT_TOKEN, agent: ROOT_TOKEN } },
}
const CLIENT = { server: false, bootstrap_expect: undefined }

/** Others must know a server's ports before it runs. */
function portsOn(host: string): Promise<Ports> {
  return freePorts({ serf_wan: -1 }, host)
}

/** All of them, once none is on its way any more: what has started is known to who cleans up. */
async function settled<T>(starting: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(starting)
  return Promise.all(starting)
}

async function leaderOf(servers: readonly ConsulAgent[]): Promise<ConsulAgent> {
  for (;;) {
    for (const { address } of servers) {
      const leader = await fetch(`${address}/v1/status/leader`, { signal: AbortSignal.timeout(2000) })
        .then((response) => response.json())
        .catch(() => '')
      const found = servers.find(({ address, ports }) => leader === `${new URL(address).hostname}:${ports.server}`)
      if (found) return found
    }
  }
}
