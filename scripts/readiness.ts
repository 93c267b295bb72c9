import { setTimeout as delay } from 'node:timers/promises'

const requestLimitMs = 5_000
const pauseMs = 50

/**
 * Whether the Consul at `address` has a leader and lets a session be created: that takes the agent's own registration
 * with serfHealth, which comes a little later than the leader. The session is destroyed again. Where ACLs forbid that, a
 * token must allow it.
 */
export async function acceptsSessions(address: string, token = ''): Promise<boolean> {
  const leader = await ask(token, `${address}/v1/status/leader`)
  if (typeof leader !== 'string' || leader === '') return false
  const session = await ask(token, `${address}/v1/session/create`, { Name: 'readiness', LockDelay: '0s', TTL: '10s' })
  const id = session && typeof session === 'object' && 'ID' in session ? session.ID : undefined
  if (typeof id !== 'string') return false
  return (await ask(token, `${address}/v1/session/destroy/${id}`, {})) === true
}

/** Asks `probe` again and again until it says yes (true) or `limitMs` is over or `gone` says so (false). */
export async function becomesReady(
  probe: () => Promise<boolean>,
  gone: () => boolean,
  limitMs: number,
): Promise<boolean> {
  const deadline = performance.now() + limitMs
  while (!gone() && performance.now() < deadline) {
    const ready = await probe().catch(() => false)
    if (ready) return !gone()
    await delay(pauseMs)
  }
  return false
}

async function ask(token: string, url: string, body?: object): Promise<unknown> {
  const put = body && { method: 'PUT', body: JSON.stringify(body) }
  const headers = { 'x-consul-token': token }
  const response = await fetch(url, { ...put, headers, signal: AbortSignal.timeout(requestLimitMs) })
  const text = await response.text()
  return response.ok ? JSON.parse(text) : undefined
}
