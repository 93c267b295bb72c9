import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { ConsulTarget } from './consul-target.ts'

/** What listens somewhere, and the time that passes for all of us. */
export function httpTarget(address: () => string): ConsulTarget {
  return {
    async call(method, path, body) {
      const response = await fetch(address() + path, { method, ...(body === undefined ? {} : { body }) })
      const text = await response.text()
      return { status: response.status, index: Number(response.headers.get('x-consul-index') ?? Number.NaN), text }
    },
    pass: (ms) => setTimeout(ms),
    during: (work) => work,
    nowMs: () => performance.now(),
    freshKey: () => `contract/${randomUUID()}`,
  }
}
