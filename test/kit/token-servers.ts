import { afterAll, beforeAll } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'
import { execute } from '../../scripts/provide/execute.ts'
import { ConsulClient } from './consul-client.ts'
import { type Running, startLocker } from './locker.ts'

export let agent: ConsulAgent

beforeAll(async () => {
  agent = await startConsul()
})

afterAll(() => agent?.stop())

export interface Served {
  readonly url: string
  readonly server: Running
  request(method: string, path: string, body?: string, headers?: Record<string, string>): Promise<Response>
  /** Gets a new token. */
  token(): Promise<string>
}

/** Starts a server of tokens that lives as long as the test. */
export async function serveTokens(args: readonly string[] = [], address = agent.address, env = {}): Promise<Served> {
  const server = startLocker(['discovery', 'serve', '--listen', '127.0.0.1:0', ...args], { address, env })
  const [, url = ''] = await server.says(/serving discovery tokens at (http:\S+?)(?:,|\n)/)
  const request: Served['request'] = (method, path, body, headers = {}) =>
    fetch(url + path, { method, headers, signal: AbortSignal.timeout(20_000), ...(body === undefined ? {} : { body }) })
  return { url, server, request, token: async () => (await request('GET', '/new')).text() }
}

export async function answerOf(request: Promise<Response>): Promise<{ status: number; text: string }> {
  const response = await request
  return { status: response.status, text: await response.text() }
}

/** What DNS says of a token. */
export async function addresses(token: string): Promise<string[]> {
  const dig = await program('dig', 'bind9-dnsutils')
  const args = ['@127.0.0.1', '-p', String(agent.ports.dns), '+short', '+tries=5', `${token}.service.consul`]
  const text = await execute(dig.path, args, { env: dig.env })
  return text
    .split('\n')
    .filter((line) => line !== '')
    .sort()
}

export const nodesOf = async (token: string) =>
  ((await (await new ConsulClient(agent.address).request('GET', '/catalog/nodes')).json()) as { Node: string }[])
    .map(({ Node }) => Node)
    .filter((node) => node.startsWith(token))
    .sort()
