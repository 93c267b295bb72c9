import { Failure, type FailureCode } from '../base/failure.ts'
import type { Call, WireReply } from './wire.ts'

/** The failure that a reply stands for; `undefined` when it is an answer. */
export function failureOf(reply: WireReply, call: Call, address: string): Failure | undefined {
  const { status, text } = reply
  if (status === 200 || call.expects?.includes(status)) return undefined
  const said = firstLine(text)
  if (status === 403 || status === 401) {
    return refused(address, call, said || String(status))
  }
  if (status >= 500 || status === 429) {
    const code = isFinal(text) ? 'rejected' : 'unavailable'
    return new Failure(code, `Consul at ${address} answers ${status}: ${said || 'without a reason'}`)
  }
  if (status === 400 || status === 413 || status === 409) {
    return new Failure('rejected', `Consul at ${address} rejects ${call.method} ${call.path}: ${said || status}`, {
      hint: /HTTPS server/.test(said) ? 'write its address as https://…, or set CONSUL_HTTP_SSL=true' : undefined,
    })
  }
  return notConsul(address, `${call.path} gives ${status}`)
}

/** Consul refuses a call for want of rights. */
export function refused(address: string, call: Pick<Call, 'method' | 'path' | 'needs'>, said: string): Failure {
  return new Failure('refused', `Consul at ${address} refuses ${call.method} ${call.path}: ${said}`, {
    hint: `the token (--token, CONSUL_HTTP_TOKEN) needs the ACL rule: ${call.needs}`,
  })
}

/** Whether these are Consul's words for a want of rights. */
export function isDenial(said: string): boolean {
  return /permission denied|acl not found/i.test(said)
}

/** More is answered than we read. */
export function tooLarge(address: string, mostBytes: number): Failure {
  return new Failure('too-large', `Consul at ${address} answers with more than ${mostBytes >> 20} MB`, {
    hint: 'too much stands below a key: consul kv get -keys shows what',
  })
}

/** Something else than Consul answers. */
export function notConsul(address: string, what: string): Failure {
  return new Failure('not-consul', `what answers at ${address} is not Consul: ${what}`, {
    hint: "check CONSUL_HTTP_ADDR or --http-addr; Consul's HTTP port is 8500 by default",
  })
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

const TRANSIENT: readonly FailureCode[] = ['unreachable', 'silent', 'unavailable']

/** From an address that has spoken as Consul before, these are disturbances, too. */
const DISTURBANCES: readonly FailureCode[] = ['not-consul', 'untrusted']

/** Whether trying again may help. */
export function isTransient(thrown: unknown, heard: boolean): thrown is Failure {
  if (!(thrown instanceof Failure)) return false
  return TRANSIENT.includes(thrown.code) || (heard && DISTURBANCES.includes(thrown.code))
}
