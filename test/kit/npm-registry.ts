import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { afterTest } from './after-test.ts'

/** A package as `npm pack` made it. */
export interface Packed {
  readonly tarball: string
  readonly manifest: { readonly name: string; readonly version: string }
}

/** A registry with these packages and no others, for as long as the test lasts; gives its address. */
export async function startNpmRegistry(packages: readonly Packed[]): Promise<string> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    const file = packages.find(({ tarball }) => path === `-/${basename(tarball)}`)
    const found = packages.filter(({ manifest }) => manifest.name === path)
    if (file) response.end(readFileSync(file.tarball))
    else if (found.length > 0) response.end(JSON.stringify(packument(found, `http://${request.headers.host}`)))
    else response.writeHead(404).end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  afterTest(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function packument(packages: readonly Packed[], address: string): object {
  const versions = packages.map(({ tarball, manifest }) => {
    const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
    const dist = { tarball: `${address}/-/${basename(tarball)}`, integrity }
    return [manifest.version, { ...manifest, dist }] as const
  })
  const latest = packages.at(-1)?.manifest
  return { name: latest?.name, 'dist-tags': { latest: latest?.version }, versions: Object.fromEntries(versions) }
}
