import { systemClock } from '../src/base/clock.ts'
import { DevAgent } from '../src/devagent/dev-agent.ts'
import { openHttpFront } from '../src/devagent/serve/http-front.ts'

/** undici lets go of an idle connection 2 s before the server would, so 1 s after its last answer. */
const KEEP_ALIVE_MS = 3000

/** Starts an agent in memory for the warm-up, behind an HTTP server that answers as Consul's does. */
export async function startWarmUpAgent(): Promise<{ address: string; stop(): void }> {
  const agent = new DevAgent({ clock: systemClock, random: Math.random })
  const where = { host: '127.0.0.1', port: 0 }
  const front = await openHttpFront(agent, { clock: systemClock, where, keepAliveMs: KEEP_ALIVE_MS })
  return { address: `127.0.0.1:${front.address.port}`, stop: () => void front.close(0) }
}
