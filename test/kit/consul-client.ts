import { inject } from 'vitest'
import { patiently } from './locker.ts'

/** A key's entry, as Consul's HTTP interface gives it. */
export interface KeyEntry {
  readonly Value: string | null
  readonly Flags: number
  readonly Session?: string
  readonly LockIndex: number
  readonly ModifyIndex: number
}

export interface SessionEntry {
  readonly ID: string
  readonly Name: string
  readonly TTL: string
  readonly LockDelay: number
}

/** The steps of a transaction; https://developer.hashicorp.com/consul/api-docs/txn */
export type Step = { readonly Verb: string; readonly Key: string; readonly Value?: string; readonly Session?: string }

/** A second pair of eyes at an agent, and an operator's hands. It shares no code with what it looks at. */
export class ConsulClient {
  readonly address: string

  constructor(address = inject('consulAddress')) {
    this.address = address
  }

  async request(method: string, path: string, body?: string): Promise<Response> {
    // An open connection may end just when it is used again, and not every request may be sent twice.
    const headers = { connection: 'close' }
    const init = { method, headers, signal: AbortSignal.timeout(10_000), ...(body === undefined ? {} : { body }) }
    return fetch(`${this.address}/v1${path}`, init)
  }

  async #json<T>(method: string, path: string, body?: string): Promise<T> {
    const response = await this.request(method, path, body)
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text)
  }

  /** What the agent answers to a GET, as JSON. */
  readonly read = (path: string): Promise<unknown> => this.#json('GET', path)

  /** What stands at a key; `undefined` when there is no such key. */
  async entry(key: string): Promise<KeyEntry | undefined> {
    const response = await this.request('GET', `/kv/${key}?consistent`)
    if (response.status === 404) return undefined
    const [entry] = (await response.json()) as KeyEntry[]
    return entry
  }

  /** The value at a key, as text. */
  async value(key: string): Promise<string> {
    return Buffer.from((await this.entry(key))?.Value ?? '', 'base64').toString()
  }

  /** All sessions whose name has this in it. */
  async sessions(name: string): Promise<SessionEntry[]> {
    const all = await this.#json<SessionEntry[]>('GET', '/session/list?consistent')
    return all.filter((session) => session.Name.includes(name))
  }

  createSession(about: Record<string, string> = {}): Promise<string> {
    return this.#json<{ ID: string }>('PUT', '/session/create', JSON.stringify(about)).then(({ ID }) => ID)
  }

  destroySession(id: string): Promise<boolean> {
    return this.#json('PUT', `/session/destroy/${id}`)
  }

  acquire(key: string, session: string, value = ''): Promise<boolean> {
    return this.#json('PUT', `/kv/${key}?acquire=${session}`, value)
  }

  release(key: string, session: string): Promise<boolean> {
    return this.#json('PUT', `/kv/${key}?release=${session}`)
  }

  deleteKey(key: string): Promise<boolean> {
    return this.#json('DELETE', `/kv/${key}`)
  }

  /** Has these keys stand below a prefix and no others; writes only what is to be changed. */
  async settle(prefix: string, wanted: Readonly<Record<string, string>>): Promise<void> {
    const response = await this.request('GET', `/kv/${prefix}?keys`)
    const found = response.status === 404 ? [] : ((await response.json()) as string[])
    for (const key of found) if (!(key in wanted)) await this.deleteKey(key)
    for (const [key, value] of Object.entries(wanted)) {
      if (!found.includes(key) || (await this.value(key)) !== value) await this.request('PUT', `/kv/${key}`, value)
    }
  }

  /** Does all steps or none; rejects when none was done. */
  transact(...steps: Step[]): Promise<unknown> {
    return this.#json('PUT', '/txn', JSON.stringify(steps.map((KV) => ({ KV }))))
  }

  /** Waits until somebody holds the key, other than `but`, and gives the session. */
  async holder(key: string, but = ''): Promise<string> {
    const look = async () => {
      const holder = (await this.entry(key))?.Session
      return holder !== but && holder
    }
    return (await patiently(look, () => `nobody holds ${key}`)) as string
  }

  /** Waits until a session of this name is there that doesn't hold the key. */
  async contender(name: string, key: string, but: readonly string[] = []): Promise<string> {
    const look = async () => {
      const holder = (await this.entry(key))?.Session
      return (await this.sessions(name)).find(({ ID }) => ID !== holder && !but.includes(ID))
    }
    return ((await patiently(look, () => `nobody contends for ${name}`)) as SessionEntry).ID
  }

  /** What is left of a lock: its key, and sessions of its name. */
  async remains(name: string, key = `consul-locker-${name}`): Promise<unknown[]> {
    const response = await this.request('GET', `/kv/${key}?keys`)
    const keys = response.status === 404 ? [] : ((await response.json()) as string[])
    const ours = keys.filter((found) => found === key || found.startsWith(`${key}=queue`))
    return [...ours, ...(await this.sessions(name))]
  }
}
