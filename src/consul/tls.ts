import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { knownAuthorities } from '../base/certificate-authorities.ts'
import { Failure, messageOf, reasonOf } from '../base/failure.ts'
import type { TlsSettings } from './consul-settings.ts'

interface TlsOptions {
  readonly ca: string[] | undefined
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly servername?: string
  readonly rejectUnauthorized: boolean
}

/**
 * Reads certificates for `tls.connect`. A CA given by the user replaces the others, as in `consul`; without one the
 * system's and Node's own are trusted. Throws a `usage` failure for a file that can't be read or makes no sense.
 */
export async function tlsOptions(settings: TlsSettings): Promise<TlsOptions> {
  const { clientCert, clientKey, serverName } = settings
  const given = givenAuthorities(settings)
  const identity = clientCert === undefined || clientKey === undefined ? {} : await pair(clientCert, clientKey)
  return {
    ca: given.length > 0 ? given : await knownAuthorities(),
    rejectUnauthorized: settings.verify,
    ...identity,
    ...(serverName === undefined ? {} : { servername: serverName }),
  }
}

function givenAuthorities({ caFile, caPath }: TlsSettings): string[] {
  if (caFile !== undefined) return [authority(caFile)]
  return caPath === undefined ? [] : authoritiesIn(caPath)
}

/**
 * All certificates below a directory, whatever their files are called: c_rehash links them under names like
 * `abcd1234.0`. What is no certificate is passed over, as Go's x509 does with the system's directories; a directory
 * without any would have us trust others than was asked for.
 */
function authoritiesIn(directory: string): string[] {
  const texts = filesBelow(directory).map((file) => read(file, 'CA file').toString())
  const found = [...new Set(texts.filter(hasCertificate))]
  if (found.length > 0) return found
  throw new Failure('usage', `the CA directory ${directory} has no certificate in it`, {
    hint: 'give one with PEM files in it (--ca-path, CONSUL_CAPATH), or leave it out to trust those of the system',
  })
}

function hasCertificate(text: string): boolean {
  return text.includes('-----BEGIN CERTIFICATE-----')
}

/** Node takes a file without a certificate for no CA at all, in silence. */
function authority(file: string): string {
  const text = read(file, 'CA file').toString()
  if (hasCertificate(text)) return text
  throw new Failure('usage', `the CA file ${file} has no certificate in it`, { hint: 'it must be PEM' })
}

/** A client certificate with its key. */
async function pair(certFile: string, keyFile: string): Promise<{ cert: Buffer; key: Buffer }> {
  const { createSecureContext } = await import('node:tls')
  const identity = { cert: read(certFile, 'client certificate'), key: read(keyFile, 'client key') }
  try {
    createSecureContext(identity)
    return identity
  } catch (thrown) {
    const { reason = messageOf(thrown) } = thrown as { reason?: string }
    throw new Failure('usage', `the client certificate ${certFile} can't be used with ${keyFile}: ${reason}`, {
      hint: 'check --client-cert and --client-key; both must be PEM, and the key the one of the certificate',
      cause: thrown,
    })
  }
}

function filesBelow(directory: string): string[] {
  return list(directory)
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
}

function list(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
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
  return new Failure('usage', `the ${what} ${path} can't be read: ${reasonOf(thrown)}`, {
    hint: 'is its path right?',
    cause: thrown,
  })
}
