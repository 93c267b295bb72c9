import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, messageOf } from '../base/failure.ts'
import type { TlsSettings } from './settings.ts'

interface TlsOptions {
  readonly ca: string[]
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly servername?: string
  readonly rejectUnauthorized: boolean
}

/**
 * Reads certificates for `tls.connect`. A CA given by the user replaces the others, as in `consul`; without one the
 * system's and Node's own are trusted. Throws a `usage` failure for a file that can't be read.
 */
export async function tlsOptions(settings: TlsSettings): Promise<TlsOptions> {
  const { clientCert, clientKey, serverName } = settings
  const given = givenAuthorities(settings)
  return {
    ca: given.length > 0 ? given : await knownAuthorities(),
    rejectUnauthorized: settings.verify,
    ...(clientCert === undefined ? {} : { cert: read(clientCert, 'client certificate') }),
    ...(clientKey === undefined ? {} : { key: read(clientKey, 'client key') }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}

function givenAuthorities({ caFile, caPath }: TlsSettings): string[] {
  if (caFile !== undefined) return [read(caFile, 'CA file').toString()]
  if (caPath === undefined) return []
  return list(caPath).map((name) => read(join(caPath, name), 'CA file').toString())
}

async function knownAuthorities(): Promise<string[]> {
  const { getCACertificates } = await import('node:tls')
  return [...getCACertificates('default'), ...getCACertificates('system')]
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => /\.(pem|crt|cer)$/.test(name))
  } catch (thrown) {
    throw unreadable('CA directory', directory, thrown)
  }
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file)
  } catch (thrown) {
    throw unreadable(what, file, thrown)
  }
}

function unreadable(what: string, path: string, thrown: unknown): Failure {
  return new Failure('usage', `the ${what} ${path} can't be read: ${messageOf(thrown)}`, { cause: thrown })
}
