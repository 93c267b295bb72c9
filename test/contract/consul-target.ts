/** What the promises are tried on: something that speaks Consul's HTTP, and the time that passes for it. */
export interface ConsulTarget {
  call(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string): Promise<Reply>
  /** Lets `ms` pass. */
  pass(ms: number): Promise<void>
  /** Settles as `work` does; all the time that this takes passes. */
  during<T>(work: Promise<T>): Promise<T>
  nowMs(): number
  /** A key that nobody else uses. */
  freshKey(): string
}

export interface Reply {
  readonly status: number
  readonly index: number
  readonly text: string
}

/** A key's JSON; 64-bit flags as text. */
export interface Row {
  readonly Key: string
  readonly Value: string | null
  readonly Flags: string
  readonly Session?: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
  readonly LockIndex: number
}

export interface SessionRow {
  readonly ID: string
  readonly Name: string
  readonly Node: string
  readonly LockDelay: number
  readonly Behavior: string
  readonly TTL: string
  readonly NodeChecks: string[] | null
  readonly CreateIndex: number
}

export interface TxnAnswer {
  readonly status: number
  readonly rows: Row[]
  readonly errors: { OpIndex: number; What: string }[]
}

/** An answer in JSON, of whatever form. */
export interface JsonAnswer {
  readonly status: number
  readonly index: number
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what it is
  readonly json: any
}

/** An agent whose news don't get through tries again after 15 s, and some seconds more (agent/ae/ae.go). */
const PATIENCE_MS = 45_000
const LOOK_MS = 20

export const NOBODY = '00000000-0000-0000-0000-000000000000'

/** The calls that the promises are made of. */
export class Client {
  readonly target: ConsulTarget
  /** One that nobody else uses. */
  readonly key: string

  constructor(target: ConsulTarget) {
    this.target = target
    this.key = target.freshKey()
  }

  /** A name for a node or a service that nobody else uses. */
  get name(): string {
    return this.key.replaceAll('/', '-')
  }

  get(path: string): Promise<Reply> {
    return this.target.call('GET', path)
  }

  put(path: string, body?: string): Promise<Reply> {
    return this.target.call('PUT', path, body)
  }

  delete(path: string): Promise<Reply> {
    return this.target.call('DELETE', path)
  }

  /** What a GET answers, as JSON. */
  async read(path: string): Promise<JsonAnswer> {
    const { status, index, text } = await this.get(path)
    return { status, index, json: JSON.parse(text) }
  }

  /** The same, again and again until it is as it should be: an agent tells the servers when it gets to it. */
  async readUntil(path: string, isSo: (json: JsonAnswer['json']) => boolean): Promise<JsonAnswer> {
    const endMs = this.target.nowMs() + PATIENCE_MS
    for (;;) {
      const answer = await this.read(path)
      if (isSo(answer.json)) return answer
      if (this.target.nowMs() > endMs) throw new Error(`${path} is ${JSON.stringify(answer.json)}`)
      await this.target.pass(LOOK_MS)
    }
  }

  /** Registers in the catalog; Consul's words. */
  async register(body: object): Promise<string> {
    return (await this.put('/v1/catalog/register', JSON.stringify(body))).text.trim()
  }

  async deregister(body: object): Promise<string> {
    return (await this.put('/v1/catalog/deregister', JSON.stringify(body))).text.trim()
  }

  /** Creates a session without TTL and with a short lock-delay, unless the wish says otherwise. */
  async session(wish: object = {}): Promise<string> {
    const { text } = await this.put('/v1/session/create', JSON.stringify({ LockDelay: '1s', ...wish }))
    return JSON.parse(text).ID
  }

  async sessionInfo(id: string): Promise<SessionRow | undefined> {
    return JSON.parse((await this.get(`/v1/session/info/${id}`)).text)[0]
  }

  async destroy(id: string): Promise<void> {
    await this.put(`/v1/session/destroy/${id}`)
  }

  /** Writes our key; the text says whether Consul did. */
  async write(query = '', value = 'v'): Promise<string> {
    return (await this.put(`/v1/kv/${this.key}${query}`, value)).text.trim()
  }

  async acquire(session: string, value = 'v'): Promise<boolean> {
    return (await this.write(`?acquire=${session}`, value)) === 'true'
  }

  async remove(query = ''): Promise<string> {
    return (await this.delete(`/v1/kv/${this.key}${query}`)).text.trim()
  }

  async row(): Promise<Row> {
    const row = rowsOf((await this.get(`/v1/kv/${this.key}`)).text)[0]
    if (!row) throw new Error(`there is no key ${this.key}`)
    return row
  }

  async txn(...steps: object[]): Promise<TxnAnswer> {
    const { status, text } = await this.put('/v1/txn', JSON.stringify(steps.map((step) => ({ KV: step }))))
    if (status !== 200 && status !== 409) return { status, rows: [], errors: [{ OpIndex: -1, What: text }] }
    const { Results, Errors } = JSON.parse(quoteFlags(text)) as {
      Results?: { KV: Row }[]
      Errors?: TxnAnswer['errors']
    }
    return { status, rows: (Results ?? []).map((result) => result.KV), errors: Errors ?? [] }
  }

  /** Why a transaction wasn't done. */
  async refusal(...steps: object[]): Promise<string[]> {
    return (await this.txn(...steps)).errors.map((error) => error.What)
  }
}

export function rowsOf(text: string): Row[] {
  return text === '' ? [] : JSON.parse(quoteFlags(text))
}

function quoteFlags(text: string): string {
  return text.replace(/"Flags":\s*(\d+)/g, '"Flags":"$1"')
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
