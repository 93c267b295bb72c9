import type { Cluster } from './cluster.ts'

/** An operator's hands at Consul, through whichever server answers. */
export class Operator {
  readonly #cluster: Cluster
  readonly #key: string

  constructor(cluster: Cluster, key: string) {
    this.#cluster = cluster
    this.#key = key
  }

  /** The session that holds the lock. */
  async session(): Promise<string | undefined> {
    const response = await this.#ask('GET', `/v1/kv/${this.#key}?consistent`)
    if (response?.status !== 200) return undefined
    const [entry] = (await response.json()) as { Session?: string }[]
    return entry?.Session
  }

  async destroySession(): Promise<void> {
    await this.#ask('PUT', `/v1/session/destroy/${await this.session()}`)
  }

  async deleteKey(): Promise<void> {
    await this.#ask('DELETE', `/v1/kv/${this.#key}`)
  }

  /** Destroys the sessions of all that contend and don't hold. */
  async destroyWaiters(): Promise<void> {
    const holder = await this.session()
    const response = await this.#ask('GET', '/v1/session/list')
    const sessions = ((await response?.json()) ?? []) as { ID: string }[]
    for (const { ID } of sessions.filter(({ ID }) => ID !== holder)) await this.#ask('PUT', `/v1/session/destroy/${ID}`)
  }

  /** Deletes the line of those who wait. */
  async deleteLine(): Promise<void> {
    await this.#ask('DELETE', `/v1/kv/${this.#key}=queue?recurse`)
  }

  async #ask(method: string, path: string): Promise<Response | undefined> {
    for (const { address } of this.#cluster.servers) {
      const response = await fetch(address + path, { method, signal: AbortSignal.timeout(3000) }).catch(() => undefined)
      if (response && response.status < 500) return response
    }
    return undefined
  }
}
