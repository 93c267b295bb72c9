import type { Context } from '../base/context.ts'
import { type Expectation, mismatch, SUCCESS } from './expectation.ts'
import { askHttp, type HttpAnswer } from './http-client.ts'
import { type ProbeResult, probeWithin } from './probe-result.ts'

/** How a URL is asked. */
export interface UrlProbeOptions {
  /** What its answer must be like; by default its status is one from 200 to 299. */
  readonly expected?: Expectation
  /** Where redirects lead is asked in turn; otherwise they are answers like others. */
  readonly follows?: boolean
  /** The certificate isn't verified. */
  readonly isInsecure?: boolean
  /** So much of the answer's body is kept, at most. */
  readonly keptBytes?: number
}

const MOST_REDIRECTS = 10
const REDIRECTS = [301, 302, 303, 307, 308]
/** What a body is judged by. */
const JUDGED_BYTES = 65_536

/** Asks a URL once; healthy when a GET is answered as expected in time. Rejects only with the signal's reason. */
export function probeUrl(
  ctx: Context,
  url: URL,
  timeoutMs: number,
  options: UrlProbeOptions = {},
): Promise<ProbeResult> {
  const { expected = SUCCESS, follows = false, keptBytes = 0 } = options
  const maxBytes = expected.body === undefined ? keptBytes : Math.max(keptBytes, JUDGED_BYTES)
  return probeWithin(ctx, timeoutMs, async (ctx) => {
    const answer = await (follows ? follow : ask)(ctx, url, options, maxBytes)
    const { status, text } = answer
    const why = await mismatch(expected, answer)
    const redirects = !follows && REDIRECTS.includes(status) ? ', and redirects are not followed' : ''
    return { healthy: why === '', why: (why || `it answers ${status}`) + redirects, output: text.trim() }
  })
}

function ask(ctx: Context, url: URL, { isInsecure = false }: UrlProbeOptions, maxBytes: number): Promise<HttpAnswer> {
  return askHttp(ctx, { method: 'GET', url, maxBytes, isInsecure })
}

async function follow(ctx: Context, first: URL, options: UrlProbeOptions, maxBytes: number): Promise<HttpAnswer> {
  let url = first
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const answer = await ask(ctx, url, options, maxBytes)
    const location = REDIRECTS.includes(answer.status) ? answer.headers.location?.[0] : undefined
    if (location === undefined) return answer
    url = redirected(url, location)
  }
  throw new Error(`it redirects more than ${MOST_REDIRECTS} times`)
}

/** Where a redirect leads. User and password go along to the same server only. */
function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined
  if (to?.protocol !== 'http:' && to?.protocol !== 'https:') throw new Error('it redirects to what is no URL')
  if (from.protocol === 'https:' && to.protocol === 'http:') throw new Error('it redirects from https to http')
  if (to.origin === from.origin && to.username === '')
    Object.assign(to, { username: from.username, password: from.password })
  return to
}
