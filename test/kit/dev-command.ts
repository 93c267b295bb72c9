import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from './consul-client.ts'
import { type Running, startLocker } from './locker.ts'

export const nowhere = { env: { CONSUL_HTTP_ADDR: undefined } }

/** Starts a server on a free port, and waits until it serves. */
export async function serveDev(
  ...words: string[]
): Promise<{ server: Running; address: string; consul: ConsulClient }> {
  const server = startLocker(['dev', '--listen', '127.0.0.1:0', ...words], nowhere)
  const [, address = ''] = await server.says(/ at (http:\S+): one process, no cluster, no ACLs/)
  return { server, address, consul: new ConsulClient(address) }
}

export const freePort = async () => (await freePorts()).http
