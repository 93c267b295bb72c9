import { setTimeout as delay } from 'node:timers/promises'

const AGAIN_MS = 20

/**
 * Asks Consul for a list again and again, by blocking queries, until the signal aborts; what doesn't exist is empty.
 */
export async function followList<T>(url: string, see: (entries: T[]) => void, signal: AbortSignal): Promise<void> {
  let index = 0
  while (!signal.aborted) {
    try {
      const response = await fetch(`${url}${url.includes('?') ? '&' : '?'}index=${index}&wait=30s`, { signal })
      if (!response.ok && response.status !== 404) throw new Error(await response.text())
      see(response.status === 404 ? [] : ((await response.json()) as T[]))
      index = Number(response.headers.get('x-consul-index'))
    } catch {
      index = 0
      await delay(AGAIN_MS, undefined, { signal }).catch(() => {})
    }
  }
}

/** A key as Consul lists it. */
export interface KeyEntry {
  readonly Session?: string
  /** In Base64. */
  readonly Value: string | null
}

/** The value of a key while a session holds it. */
export function heldValue([entry]: readonly KeyEntry[]): string | undefined {
  return entry?.Session ? Buffer.from(entry.Value ?? '', 'base64').toString() : undefined
}
