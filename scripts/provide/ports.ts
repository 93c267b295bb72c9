import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** The ports of an agent by Consul's own names; -1 turns one off. */
export interface Ports {
  readonly http: number
  readonly https: number
  readonly dns: number
  readonly grpc: number
  readonly serf_lan: number
  readonly serf_wan: number
  readonly server: number
}

const defaults: Ports = { http: 0, https: -1, dns: 0, grpc: -1, serf_lan: 0, serf_wan: 0, server: 0 }

// Below the range of outgoing connections, which could take the port of an agent that is down for a restart.
const lowest = 10_000
const highest = 32_000
/**
 * A process takes ports by blocks: so many are its own for as long as it lives, whether anybody listens on them or not.
 */
const blockSize = 100
const blocks = (highest - lowest) / blockSize
const home = '127.0.0.1'

/** The ports that are left of the block of now. */
let left: number[] = []
let taking: Promise<void> | undefined

/**
 * A full set of ports, all different and free on `host` a moment ago; no other call gives them out while this process
 * lives. Those `given` are taken as they are; a 0 in it
 * asks for a free one, also for `https` and `grpc`, which are off otherwise.
 */
export async function freePorts(given: Partial<Ports> = {}, host = '127.0.0.1'): Promise<Ports> {
  const taken = new Set<number>(Object.values(given))
  const ports: [string, number][] = []
  for (const [name, usual] of Object.entries(defaults)) {
    const port = given[name as keyof Ports] ?? usual
    ports.push([name, port === 0 ? await freePort(host, taken) : port])
  }
  return Object.fromEntries(ports) as unknown as Ports
}

/** The first of `ports` that somebody else uses on `host`, as `name=port`. */
export async function takenPort(ports: Ports, host: string): Promise<string | undefined> {
  for (const [name, port] of Object.entries(ports)) {
    if (port > 0 && !(await isFree(port, host))) return `${name}=${port}`
  }
  return undefined
}

async function freePort(host: string, taken: Set<number>): Promise<number> {
  for (;;) {
    const port = left.pop()
    if (port === undefined) await nextBlock()
    else if (!taken.has(port) && (await isFree(port, host))) return port
  }
}

function nextBlock(): Promise<void> {
  taking ??= takeBlock().finally(() => {
    taking = undefined
  })
  return taking
}

/** A block is whose process listens on its first port; that ends with the process, however it ends. */
async function takeBlock(): Promise<void> {
  const first = Math.floor(Math.random() * blocks)
  for (let n = 0; n < blocks; n++) {
    const port = lowest + ((first + n) % blocks) * blockSize
    const claim = createServer()
    try {
      await once(claim.listen({ port, host: home, exclusive: true }), 'listening')
      claim.unref()
      left = Array.from({ length: blockSize - 1 }, (_, n) => port + 1 + n)
      return
    } catch {
      claim.close()
    }
  }
  throw new Error(`no free ports between ${lowest} and ${highest}`)
}

async function isFree(port: number, host: string): Promise<boolean> {
  const tcp = createServer()
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    await once(tcp.listen(port, host), 'listening')
    udp.bind(port, host)
    await once(udp, 'listening')
    return true
  } catch {
    return false
  } finally {
    tcp.close()
    udp.close()
  }
}
