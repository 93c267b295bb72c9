import { randomUUID } from 'node:crypto'
import type { Cluster } from '../provide/cluster.ts'

/** An operator's hands at Consul, through whichever server answers. */
export class ConsulOperator {
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

  /** Makes a token that may do what these rules allow. Settles with its accessor and its secret. */
  async makeToken(rules: string): Promise<{ AccessorID: string; SecretID: string }> {
    const Name = `chaos-${randomUUID()}`
    await this.#ask('PUT', '/v1/acl/policy', { Name, Rules: rules })
    const response = await this.#ask('PUT', '/v1/acl/token', { Policies: [{ Name }] })
    if (response?.status !== 200) throw new Error(`no token could be made: ${await response?.text()}`)
    return (await response.json()) as { AccessorID: string; SecretID: string }
  }

  async deleteToken(accessor: string): Promise<void> {
    await this.#ask('DELETE', `/v1/acl/token/${accessor}`)
  }

  async #ask(method: string, path: string, body?: object): Promise<Response | undefined> {
    const headers = { 'x-consul-token': this.#cluster.rootToken ?? '' }
    const request = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    for (const { address } of this.#cluster.servers) {
      const signal = AbortSignal.timeout(3000)
      const response = await fetch(address + path, { ...request, signal }).catch(() => undefined)
      if (response && response.status < 500) return response
    }
    return undefined
  }
}
