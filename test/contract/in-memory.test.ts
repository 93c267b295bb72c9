import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'
import { consulPromises } from './consul-promises.ts'
import type { ConsulTarget } from './consul-target.ts'
import { expiryPromises } from './expiry-promises.ts'

const open = (): ConsulTarget => {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: Math.random })
  const never = new AbortController().signal
  let keys = 0
  return {
    async call(method, path, body = '') {
      const { status, headers, text } = await agent.handle({ method, path, body }, never)
      return { status, index: Number(headers['x-consul-index']), text }
    },
    pass: (ms) => clock.advance(ms),
    during: (work) => clock.run(work),
    nowMs: () => clock.nowMs,
    freshKey: () => `contract/${keys++}`,
  }
}

expiryPromises('the in-memory Consul', open)
consulPromises('the in-memory Consul', open)
