import { setTimeout as delay } from 'node:timers/promises'

const requestLimitMs = 5_000
const pauseMs = 50
const FORBIDDEN = 403

/**
 * Whether the Consul at `address` has a leader and lets a session be created: that takes the agent's own registration
 * with serfHealth, which comes a little later than the leader. The session is destroyed again. Where ACLs forbid a
 * session to who has no token, their refusal is what there is to wait for.
 */
export async function acceptsSessions(address: string, token = ''): Promise<boolean> {
  const { body: leader } = await ask(token, `${address}/v1/status/leader`)
  if (typeof leader !== 'string' || leader === '') return false
  const about = { Name: 'readiness', LockDelay: '0s', TTL: '10s' }
  const { status, body: session } = await ask(token, `${address}/v1/session/create`, about)
  if (status === FORBIDDEN && token === '') return true
  const id = session && typeof session === 'object' && 'ID' in session ? session.ID : undefined
  if (typeof id !== 'string') return false
  const { body: isDestroyed } = await ask(token, `${address}/v1/session/destroy/${id}`, {})
  return isDestroyed === true
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

async function ask(token: string, url: string, about?: object): Promise<{ status: number; body: unknown }> {
  const put = about && { method: 'PUT', body: JSON.stringify(about) }
  const headers = { 'x-consul-token': token }
  const response = await fetch(url, { ...put, headers, signal: AbortSignal.timeout(requestLimitMs) })
  const text = await response.text()
  return { status: response.status, body: response.ok ? JSON.parse(text) : undefined }
}
