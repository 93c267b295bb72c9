import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { inject } from 'vitest'
import { consulPromises } from './consul-promises.ts'
import type { Target } from './target.ts'

const address = inject('consulAddress')

const real: Target = {
  async call(method, path, body) {
    const response = await fetch(address + path, { method, ...(body === undefined ? {} : { body }) })
    const text = await response.text()
    return { status: response.status, index: Number(response.headers.get('x-consul-index') ?? Number.NaN), text }
  },
  pass: (ms) => setTimeout(ms),
  during: (work) => work,
  nowMs: () => performance.now(),
  freshKey: () => `contract/${randomUUID()}`,
}

consulPromises('the real Consul', () => real)
