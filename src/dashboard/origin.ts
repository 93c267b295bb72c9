import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/**
 * Whether a request was made to a name of ours. A page of somebody else's can have its own name point to our address
 * (DNS rebinding), and would then be of our origin to the browser; it can't do so with an address, or with a name that
 * isn't its own. `names` are the machine's, and those that were given.
 */
export function isExpectedHost(host: string | undefined, names: readonly string[]): boolean {
  const name = hostnameOf(host)
  if (name === undefined) return false
  return isIP(name) > 0 || name === 'localhost' || names.some((one) => one.toLowerCase() === name)
}

/** Whether a page of ours sent this. Browsers say from where each POST comes, and no page can say anything else. */
export function isFromOurPage({ origin, host }: Pick<IncomingHttpHeaders, 'origin' | 'host'>): boolean {
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false
  return new URL(origin).host === host.toLowerCase()
}

/** Whether another site's page has the browser ask this, for what isn't a visit to our page. */
export function isFromElsewhere(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

function hostnameOf(host: string | undefined): string | undefined {
  if (host === undefined) return undefined
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([^:/@\s]+?)\.?)(?::\d{1,5})?$/i.exec(host) ?? []
  return (bracketed ?? plain)?.toLowerCase()
}
