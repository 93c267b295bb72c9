import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { findProgram, unpackPackage } from './debian.ts'

const missing =
  'No Consul found: install one (for example "apt-get install consul" on Debian 11, or HashiCorp\'s package), ' +
  'or point CONSUL_BIN at it.'

/**
 * Resolves with the path of a Consul binary: that of `installedConsul`, or Debian bullseye's 1.8.7, unpacked into the
 * cache when it is not there yet. Rejects with one sentence for the user, the reason being its cause.
 */
export async function findConsul(): Promise<string> {
  const installed = await installedConsul()
  if (installed) return installed
  try {
    const root = await unpackPackage({ package: 'consul', suite: 'bullseye' })
    return join(root, 'usr/bin/consul')
  } catch (cause) {
    throw new Error(missing, { cause })
  }
}

/** The Consul that this machine has: `CONSUL_BIN`, or `consul` on PATH. Rejects when `CONSUL_BIN` is no program. */
export async function installedConsul(): Promise<string | undefined> {
  const named = process.env.CONSUL_BIN
  if (!named) return findProgram('consul', (process.env.PATH ?? '').split(delimiter))
  const path = resolve(named)
  const found = await findProgram(basename(path), [dirname(path)])
  if (!found) throw new Error(`CONSUL_BIN is ${JSON.stringify(named)}, but there is no executable file of that name.`)
  return found
}
