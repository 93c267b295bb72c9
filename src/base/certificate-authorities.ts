import { opendirSync } from 'node:fs'

type GetCertificates = (type: 'default' | 'system') => string[]

/** Where OpenSSL has the machine's authorities, unless SSL_CERT_DIR says so. */
const FOLDER = '/etc/ssl/certs'

/**
 * The certificates of the authorities that this machine trusts, and those that came with Node; PEM. `undefined` for
 * what Node trusts by itself: before 22.15 it doesn't tell, and doesn't know the machine's.
 */
export async function knownAuthorities(): Promise<string[] | undefined> {
  const { getCACertificates }: { getCACertificates?: GetCertificates } = await import('node:tls')
  return getCACertificates && [...getCACertificates('default'), ...ofMachine(getCACertificates)]
}

/** Without the folder, where that isn't there: Node would say so on our standard error. */
function ofMachine(getCertificates: GetCertificates): string[] {
  const { SSL_CERT_DIR } = process.env
  if (isFolder(SSL_CERT_DIR ?? FOLDER)) return getCertificates('system')
  process.env.SSL_CERT_DIR = ''
  try {
    return getCertificates('system')
  } finally {
    if (SSL_CERT_DIR === undefined) delete process.env.SSL_CERT_DIR
    else process.env.SSL_CERT_DIR = SSL_CERT_DIR
  }
}

function isFolder(path: string): boolean {
  try {
    opendirSync(path).closeSync()
    return true
  } catch {
    return false
  }
}
