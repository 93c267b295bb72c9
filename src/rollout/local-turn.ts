import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { resolve } from 'node:path'

/**
 * Keeps two steps of one host from running at once; `undefined` when another one runs. An abstract socket: it needs no
 * directory, and ends with its process. What a killed step has left running is kept apart by the host's slot in Consul.
 */
export async function localTurn(versionFile: string): Promise<Disposable | undefined> {
  const id = createHash('sha256').update(resolve(versionFile)).digest('hex').slice(0, 32)
  const server = await bind(`\0consul-locker-rollout-${id}`)
  return server && { [Symbol.dispose]: () => void server.close() }
}

function bind(name: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((connection) => connection.destroy())
    server.once('error', () => resolve(undefined))
    server.listen(name, () => resolve(server))
  })
}
