import type { Log } from '../base/log.ts'
import type { ConsulSettings } from './settings.ts'
import type { WireReply, WireRequest } from './wire.ts'

/** Logs a request as it goes over the wire. */
export function debugRequest(log: Log, request: WireRequest, settings: ConsulSettings): void {
  const body = request.body === undefined ? '' : ` : ${request.body}`
  const token = settings.token === undefined ? '' : ' (X-Consul-Token: ***)'
  const url = settings.address.origin + settings.address.pathPrefix + request.path
  log.debug(mask(`${request.method} ${url}${token}${body}`, settings))
}

/** Logs a whole reply. */
export function debugReply(log: Log, request: WireRequest, reply: WireReply, settings: ConsulSettings): void {
  log.debug(mask(`${reply.status} ${request.method} ${request.path} : ${reply.text.trim()}`, settings))
}

/** Takes secrets out of a line, wherever they stand. */
function mask(line: string, { token, basicAuth }: ConsulSettings): string {
  let masked = line
  for (const secret of [token, basicAuth]) if (secret) masked = masked.replaceAll(secret, '***')
  return masked
}
