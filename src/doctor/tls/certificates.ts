import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { PeerCertificate } from 'node:tls'
import { unlessAborted } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { Failure, messageOf } from '../../base/failure.ts'
import { oneLine } from '../../base/printable.ts'
import type { ConsulSettings } from '../../consul/consul-settings.ts'
import { destination } from '../agent/connection-inspections.ts'
import { QUICK_MS } from '../inspection-timeouts.ts'

/** From when to when a certificate counts, in milliseconds since 1970, and for whom it is. */
export interface Validity {
  readonly subject: string
  readonly fromMs: number
  readonly toMs: number
}

const LONGEST_SUBJECT = 60

/** What an agent shows of itself. */
export interface ShownCertificates {
  readonly own: X509Certificate
  /** Those of its issuers that are known. */
  readonly issuers: readonly X509Certificate[]
  /** Node's code for why it is not trusted, if it isn't. */
  readonly objection: string | undefined
}

/** The certificate that an agent shows, trusted or not. Rejects with an `untrusted` failure when it shows none. */
export async function shownCertificates(
  ctx: Context,
  { address, tls }: Pick<ConsulSettings, 'address' | 'tls'>,
): Promise<ShownCertificates> {
  const { connect } = await import('node:tls')
  const { tlsOptions } = await import('../../consul/tls.ts')
  const options = { ...(await tlsOptions(tls)), rejectUnauthorized: false }
  const { promise, resolve, reject } = Promise.withResolvers<PeerCertificate>()
  const to = destination(address)
  // By a name it is asked for that name's certificate, as a run asks.
  const name = 'host' in to && !/^[\d.:]+$/.test(to.host) ? { servername: to.host } : {}
  const socket = connect({ ...to, ...name, ...options }, () => resolve(socket.getPeerCertificate(true)))
  socket.once('error', reject)
  const cancel = ctx.clock.after(QUICK_MS, () => reject(new Error('no handshake')))
  try {
    const [own, ...issuers] = chainOf(await unlessAborted(ctx.signal, promise))
    if (own) return { own, issuers, objection: objectionOf(socket.authorizationError) }
    throw new Error('no certificate is shown')
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    throw new Failure('untrusted', `${address.text} speaks no TLS: ${oneLine(messageOf(thrown), 100)}`, {
      hint: 'is that its HTTPS port? Without TLS, its address is http://…',
      cause: thrown,
    })
  } finally {
    cancel()
    socket.destroy()
  }
}

/** Node's types say that it is an error; it is the code of one. */
function objectionOf(error: unknown): string | undefined {
  if (typeof error === 'string') return error
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

function chainOf(certificate: PeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  const seen = new Set<string>()
  for (let at: PeerCertificate | undefined = certificate; at?.raw && !seen.has(at.fingerprint256); ) {
    seen.add(at.fingerprint256)
    chain.push(new X509Certificate(at.raw))
    at = (at as { issuerCertificate?: PeerCertificate }).issuerCertificate
  }
  return chain
}

/** All certificates in a PEM text; what is none is passed over. */
function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
  return blocks.flatMap((block) => {
    try {
      return [new X509Certificate(block)]
    } catch {
      return []
    }
  })
}

/** The first certificate in a file, which is the one's that shows it. Throws what the file system throws. */
export function certificateOf(file: string): X509Certificate | undefined {
  return certificatesIn(readFileSync(file, 'utf8'))[0]
}

export function validityOf({ subject, validFrom, validTo }: X509Certificate): Validity {
  const name = /^CN=(.*)$/m.exec(subject)?.[1] ?? subject
  return { subject: oneLine(name, LONGEST_SUBJECT), fromMs: Date.parse(validFrom), toMs: Date.parse(validTo) }
}
