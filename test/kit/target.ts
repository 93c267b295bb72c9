import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterTest } from './after-test.ts'

/** A service whose health a test turns as it likes. */
export interface Target {
  readonly url: string
  readonly address: string
  /** The status of its answers; of 0 it gives none. */
  status: number
  /** Paths that were asked for. */
  readonly asked: readonly string[]
}

/** Starts a web server that lives as long as the test. */
export async function startTarget(status = 200): Promise<Target> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (target.status !== 0) response.writeHead(target.status, { location: '/elsewhere' }).end('some text')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  afterTest(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const target = { url: `http://${address}`, address, status, asked }
  return target
}
