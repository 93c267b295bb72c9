import type { Context } from '../base/context.ts'
import { type Finding, findingOf } from './finding.ts'
import { askHttp } from './http-client.ts'

/**
 * Asks a URL once; healthy when a GET is answered with 200 to 299, for redirects are not followed. Keeps so many bytes
 * of the answer's body at most. Rejects only with the signal's reason.
 */
export function probeUrl(ctx: Context, url: URL, timeoutMs: number, keptBytes = 0): Promise<Finding> {
  return findingOf(ctx, timeoutMs, async (ctx) => {
    const { status, text } = await askHttp(ctx, { method: 'GET', url, maxBytes: keptBytes })
    const redirects = status >= 300 && status < 400 ? ', and redirects are not followed' : ''
    return { healthy: status >= 200 && status < 300, why: `it answers ${status}${redirects}`, said: text.trim() }
  })
}
