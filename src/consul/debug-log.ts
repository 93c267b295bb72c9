import type { Log } from '../base/log.ts'
import type { ConsulSettings } from './consul-settings.ts'
import type { Token } from './token.ts'
import type { WireReply, WireRequest } from './wire.ts'

const MASK = '***'
/** A shorter run of these letters is a word, no value of a key. */
const BASE64 = /[A-Za-z0-9+/]{8,}={0,2}/g

/** Logs a request as it goes over the wire. */
export function debugRequest(log: Log, request: WireRequest, settings: ConsulSettings, token: Token): void {
  const body = request.body === undefined ? '' : ` : ${request.body}`
  const header = request.token === undefined ? '' : ` (X-Consul-Token: ${MASK})`
  const url = settings.address.origin + settings.address.pathPrefix + request.path
  log.debug(masked(`${request.method} ${url}${header}${body}`, secretsOf(settings, token)))
}

/** Logs a whole reply. */
export function debugReply(
  log: Log,
  request: WireRequest,
  reply: WireReply,
  settings: ConsulSettings,
  token: Token,
): void {
  const line = `${reply.status} ${request.method} ${request.path} : ${reply.text.trim()}`
  log.debug(masked(line, secretsOf(settings, token)))
}

function secretsOf({ basicAuth }: ConsulSettings, token: Token): string[] {
  const colon = basicAuth?.indexOf(':') ?? -1
  const password = colon < 0 ? undefined : basicAuth?.slice(colon + 1)
  return [...token.secrets, basicAuth, password].filter((secret) => secret !== undefined && secret !== '') as string[]
}

/** Takes secrets out of a line, wherever they stand: in a path, in JSON, and in the base64 of a key's value. */
export function masked(line: string, secrets: readonly string[]): string {
  if (secrets.length === 0) return line
  const hides = (text: string) => secrets.some((secret) => text.includes(secret))
  const plain = line.replace(BASE64, (word) => (hides(Buffer.from(word, 'base64').toString()) ? MASK : word))
  const written = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
  return written.reduce((text, secret) => text.replaceAll(secret, MASK), plain)
}
