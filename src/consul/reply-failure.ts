import { Failure, type FailureCode, messageOf, outOfFiles } from '../base/failure.ts'
import type { ConsulSettings } from './consul-settings.ts'
import type { ApiCall, WireReply } from './wire.ts'

/** The failure that a reply stands for; `undefined` when it is an answer. */
export function failureOf(reply: WireReply, call: ApiCall, address: string): Failure | undefined {
  const { status, text } = reply
  if (status === 200 || call.expects?.includes(status)) return undefined
  if (status >= 500 || status === 429) {
    const code = isFinal(text) ? 'rejected' : 'unavailable'
    return new Failure(code, `Consul at ${address} answers ${status}: ${firstLine(text) || 'without a reason'}`)
  }
  if (status === 400 || status === 413 || status === 409) {
    return new Failure('rejected', `Consul at ${address} rejects ${call.method} ${call.path}: ${replyText(reply)}`, {
      hint: /HTTPS server/.test(text) ? 'write its address as https://…, or set CONSUL_HTTP_SSL=true' : undefined,
    })
  }
  return notConsul(address, `${call.path} gives ${status}${elsewhere(reply)}`)
}

/** What stands in a reply, for people. */
export function replyText({ status, text }: WireReply): string {
  return firstLine(text) || String(status)
}

/** Whether a reply refuses for want of rights. */
export function isDenial({ status }: WireReply): boolean {
  return status === 403 || status === 401
}

/** Whether these are Consul's words for a want of rights. */
export function isDenied(words: string): boolean {
  return /permission denied/i.test(words) || isUnknownToken(words)
}

/** Whether these are Consul's words for a token that it doesn't know. */
export function isUnknownToken(words: string): boolean {
  return /acl not found/i.test(words)
}

/**
 * Whether a refusal is in Consul's own words (agent/structs/errors.go, agent/consul/session_endpoint.go): what stands
 * at this address is an agent, though it can't serve now.
 */
export function isSpokenByConsul({ status, text }: WireReply): boolean {
  return (
    status === 500 && /^(No cluster leader|No known Consul servers|rpc error|Missing (node|check)|Check )/.test(text)
  )
}

/** Where a redirect leads. */
function elsewhere({ headers: { location } }: WireReply): string {
  if (typeof location !== 'string') return ''
  const shown = location.replace(/[^!-~]/g, '').replace(/\/\/[^/@]*@/, '//***@')
  return ` and leads to ${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown}`
}

/** Consul's largest honest answer is far below this; more is noise. */
export const MAX_REPLY_BYTES = 8 * 1024 * 1024

/** More is answered than we read. */
export function tooLarge(address: string): Failure {
  return new Failure('too-large', `Consul at ${address} answers with more than ${MAX_REPLY_BYTES >> 20} MB`, {
    hint: 'too much stands below a key: consul kv get -keys shows what',
  })
}

/** Something else than Consul answers. */
export function notConsul(address: string, what: string): Failure {
  return new Failure('not-consul', `what answers at ${address} is not Consul: ${what}`, {
    hint: "check CONSUL_HTTP_ADDR or --http-addr; Consul's HTTP port is 8500 by default",
  })
}

/** The failure of a request that wasn't answered; what is no trouble with the connection stays as it was thrown. */
export function connectionFailure(settings: Pick<ConsulSettings, 'address'>, thrown: unknown): unknown {
  const { text } = settings.address
  const { code } = thrown as { code?: unknown }
  if (thrown instanceof Failure) return thrown
  if (isNoHttp(thrown)) return notConsul(text, 'no HTTP')
  if (typeof code !== 'string' || code === 'UND_ERR_INVALID_ARG') return thrown
  if (isTlsTrouble(code)) return tlsFailure(text, code, thrown)
  const exhausted = outOfFiles(`Consul at ${text} can't be reached`, thrown)
  if (exhausted) return exhausted
  const why = messageOf(thrown) || code
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET') {
    return new Failure('unreachable', `${text} closes the connection without an answer (${why})`, {
      hint: 'is that the HTTP port of a Consul agent, without TLS?',
      cause: thrown,
    })
  }
  return new Failure('unreachable', `Consul at ${text} can't be reached: ${why}`, {
    hint: hintFor(settings),
    cause: thrown,
  })
}

// A parser's error of undici's has a code for some of its reasons only; Node's own begin with those of its parser.
function isNoHttp(thrown: unknown): boolean {
  const { name, code } = thrown as { name?: unknown; code?: unknown }
  return name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW' || String(code).startsWith('HPE_')
}

// Node's own codes for what it doesn't like in a certificate have no common beginning.
function isTlsTrouble(code: string): boolean {
  return /CERT|TLS|SSL|SIGNATURE|UNABLE_TO/.test(code)
}

function tlsFailure(address: string, code: string, thrown: unknown): Failure {
  // OpenSSL's messages are full of file names and numbers, but for the reason; Node adds advice about itself.
  const { reason } = thrown as { reason?: unknown }
  const why = typeof reason === 'string' ? reason : messageOf(thrown).split(';', 1)[0]
  const speaksNone = /WRONG_VERSION|PACKET_LENGTH|HTTP_REQUEST/.test(code)
  return new Failure('untrusted', `TLS with Consul at ${address} fails: ${why}`, {
    hint: speaksNone
      ? 'is that its HTTPS port? Without TLS, its address is http://…'
      : 'check --ca-file, --client-cert, --client-key and --tls-server-name, or CONSUL_CACERT and its kin',
    cause: thrown,
  })
}

function hintFor({ address }: Pick<ConsulSettings, 'address'>): string {
  return address.socketPath === undefined
    ? 'is the agent running, and is its address right (CONSUL_HTTP_ADDR or --http-addr)?'
    : 'is the agent running with addresses.http = unix://…, and may this user open the socket?'
}

/** Consul says 500 for its users' mistakes, too; trying again does not mend these. */
function isFinal(text: string): boolean {
  return /Invalid (Session TTL|Behavior|service address)|invalid key name|Unknown datacenter|No path to datacenter/i.test(
    text,
  )
}

function firstLine(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? ''
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

const TRANSIENT: readonly FailureCode[] = ['unreachable', 'unavailable']

/** From an address that has spoken as Consul before, these are disturbances, too. */
const DISTURBANCES: readonly FailureCode[] = ['not-consul', 'untrusted']

/** What is known of the address that fails. */
interface Known {
  readonly confirmed: boolean
  readonly token: { readonly mayChange: boolean }
}

/** Whether trying again may help. A token that stands in a file may be withdrawn before its successor is there. */
export function isTransient(thrown: unknown, { confirmed, token }: Known): thrown is Failure {
  if (!(thrown instanceof Failure)) return false
  if (thrown.code === 'unknown-token') return confirmed && token.mayChange
  return TRANSIENT.includes(thrown.code) || (confirmed && DISTURBANCES.includes(thrown.code))
}
