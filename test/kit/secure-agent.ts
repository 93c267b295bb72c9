import { mkdtempSync, readFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { execute } from '../../scripts/provide/execute.ts'
import { findConsul } from '../../scripts/provide/find-consul.ts'
import { removeFolder } from './remove-folder.ts'

/** The token that may do anything. */
export const ROOT_TOKEN = 'root'

/** Files of a certificate authority that signed both the agent's certificate and a client's. */
export interface Certificates {
  readonly dir: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** An agent that speaks only HTTPS, only with clients that have a certificate, and denies what no token allows. */
export class SecureAgent {
  readonly address: string
  readonly certificates: Certificates
  readonly #agent: ConsulAgent

  private constructor(agent: ConsulAgent, certificates: Certificates) {
    this.#agent = agent
    this.address = agent.address
    this.certificates = certificates
  }

  static async start(): Promise<SecureAgent> {
    const certificates = await makeCertificates()
    const { dir, ca } = certificates
    const agent = await startConsul({
      ports: { http: -1, https: 0 },
      config: {
        primary_datacenter: 'dc1',
        acl: { enabled: true, default_policy: 'deny', tokens: { master: ROOT_TOKEN, agent: ROOT_TOKEN } },
        verify_incoming: true,
        verify_outgoing: true,
        ca_file: ca,
        cert_file: join(dir, 'dc1-server-consul-0.pem'),
        key_file: join(dir, 'dc1-server-consul-0-key.pem'),
      },
      probe: (agent) => acceptsSessions(new SecureAgent(agent, certificates)),
    })
    return new SecureAgent(agent, certificates)
  }

  async stop(): Promise<void> {
    await this.#agent.stop()
    removeFolder(this.certificates.dir)
  }

  /** Sets a key. */
  async put(key: string, value: string): Promise<void> {
    await this.ask('PUT', `/kv/${key}`, value)
  }

  /** Does a request as root; rejects for an answer that isn't 200. */
  ask<T>(method: string, path: string, body?: object | string): Promise<T> {
    const { ca, cert, key } = this.certificates
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const options = {
      method,
      headers: { 'X-Consul-Token': ROOT_TOKEN },
      ca: readFileSync(ca),
      cert: readFileSync(cert),
      key: readFileSync(key),
      signal: AbortSignal.timeout(10_000),
    }
    const outgoing = request(`${this.address}/v1${path}`, options, async (answer) => {
      const text = (await answer.toArray()).join('')
      if (answer.statusCode === 200) resolve((text === '' ? undefined : JSON.parse(text)) as T)
      else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`))
    })
    outgoing.on('error', reject).end(typeof body === 'object' ? JSON.stringify(body) : body)
    return promise
  }

  /** Makes a token that may do what these rules allow. */
  async token(name: string, rules: string): Promise<string> {
    await this.ask('PUT', '/acl/policy', { Name: name, Rules: rules })
    const token = await this.ask<{ SecretID: string }>('PUT', '/acl/token', { Policies: [{ Name: name }] })
    return token.SecretID
  }

  /** Deletes the tokens that were made under a name: from now on Consul doesn't know them. */
  async revoke(name: string): Promise<void> {
    type Listed = { AccessorID: string; Policies: { Name: string }[] | null }
    for (const { AccessorID, Policies } of await this.ask<Listed[]>('GET', '/acl/tokens')) {
      if (Policies?.some((policy) => policy.Name === name)) await this.ask('DELETE', `/acl/token/${AccessorID}`)
    }
  }

  /** What is left of a lock: keys, and sessions of its name. */
  async remains(name: string): Promise<unknown[]> {
    const sessions = await this.ask<{ Name: string }[]>('GET', '/session/list?consistent')
    const keys = await this.ask<string[]>('GET', '/kv/?keys&consistent').catch(() => [])
    return [
      ...sessions.filter((session) => session.Name.includes(name)),
      ...keys.filter((key) => key.includes(name) && !key.endsWith('=runs')),
    ]
  }
}

/** Makes a certificate authority of its own, with a certificate for server.dc1.consul and one for a client. */
export async function makeCertificates(): Promise<Certificates> {
  const dir = mkdtempSync(join(tmpdir(), 'consul-locker-tls-'))
  const consul = await findConsul()
  const make = (...args: string[]) => execute('sh', ['-c', 'cd "$0" && exec "$@"', dir, consul, 'tls', ...args])
  await make('ca', 'create')
  await make('cert', 'create', '-server', '-dc', 'dc1')
  await make('cert', 'create', '-client', '-dc', 'dc1')
  return {
    dir,
    ca: join(dir, 'consul-agent-ca.pem'),
    cert: join(dir, 'dc1-client-consul-0.pem'),
    key: join(dir, 'dc1-client-consul-0-key.pem'),
  }
}

async function acceptsSessions(agent: SecureAgent): Promise<boolean> {
  if ((await agent.ask('GET', '/status/leader')) === '') return false
  const { ID } = await agent.ask<{ ID: string }>('PUT', '/session/create', { Name: 'readiness', TTL: '10s' })
  return agent.ask('PUT', `/session/destroy/${ID}`)
}
