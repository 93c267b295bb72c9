import { AbortReason, withTimeout } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { under } from '../../base/context.ts'
import { formatDuration } from '../../base/duration.ts'
import { parseHostPort } from '../../base/host-port.ts'
import { askHttp } from '../../probe/http-client.ts'
import { probePort } from '../../probe/port-probe.ts'
import { connectFailure } from '../../probe/probe-result.ts'
import type { CheckOutcome, CheckProbe } from '../agent/check-runner.ts'
import type { HttpCheck, ProbedCheck } from '../agent/requested-check.ts'

/** checks.DefaultBufSize */
const MAX_OUTPUT_BYTES = 4096
/** As Go's HTTP client. */
const MAX_REDIRECTS = 10
const TOO_MANY_REQUESTS = 429

/** Looks at ports and URLs as a Consul agent does (agent/checks/check.go). */
export function networkProbe(ctx: Context): CheckProbe {
  return (check, signal) =>
    check.kind === 'tcp' ? lookAtPort(under(ctx, signal), check) : lookAtUrl(under(ctx, signal), check)
}

async function lookAtPort(ctx: Context, { address, timeoutMs }: ProbedCheck & { kind: 'tcp' }): Promise<CheckOutcome> {
  const endpoint = parseHostPort(address)
  if (!endpoint) return { status: 'critical', output: `dial tcp: address ${address}: missing port in address` }
  const { healthy, why } = await probePort(ctx, endpoint, timeoutMs)
  if (healthy) return { status: 'passing', output: `TCP connect ${address}: Success` }
  return { status: 'critical', output: `dial tcp ${address}: connect: ${why}` }
}

async function lookAtUrl(ctx: Context, check: HttpCheck): Promise<CheckOutcome> {
  const late = () => new AbortReason(`no answer within ${formatDuration(check.timeoutMs)}`)
  try {
    return await withTimeout(ctx, check.timeoutMs, late, (ctx) => ask(ctx, check))
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    return { status: 'critical', output: `${check.method} ${JSON.stringify(check.url)}: ${connectFailure(thrown)}` }
  }
}

async function ask(ctx: Context, { url: first, method, headers, body, isInsecure }: HttpCheck): Promise<CheckOutcome> {
  let url = new URL(first)
  const own = Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.join(', ')]))
  for (let redirects = 0; ; redirects++) {
    const request = { method, url, headers: { accept: 'text/plain, text/*, */*', ...own }, isInsecure }
    const {
      status,
      headers: answered,
      text,
    } = await askHttp(ctx, {
      ...request,
      ...(body !== '' && { body }),
      maxBytes: MAX_OUTPUT_BYTES,
    })
    const location = status >= 300 && status < 400 ? answered.location?.[0] : undefined
    if (location === undefined || redirects === MAX_REDIRECTS) {
      return { status: healthOf(status), output: `HTTP ${method} ${first}: ${status} Output: ${text}` }
    }
    url = new URL(location, url)
  }
}

function healthOf(status: number): CheckOutcome['status'] {
  if (status >= 200 && status < 300) return 'passing'
  return status === TOO_MANY_REQUESTS ? 'warning' : 'critical'
}
