import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { hostPortText } from '../../../base/host-port.ts'
import { prometheusText } from '../../../base/prometheus.ts'
import { notifyService } from '../../../child/service-notify.ts'
import { locksRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { turnOnCompilers } from '../../invocation/compilers.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { type CommandRequest, subcommand } from '../../invocation/subcommand.ts'
import { isLoopback } from '../../options/listen-address.ts'
import { readSecret } from '../../options/secret-file.ts'
import { printText } from '../../output/print.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { Exposition, type ReadMetrics } from './exposition.ts'
import { serveMetrics } from './metrics-server.ts'
import { readLockMetrics } from './read-metrics.ts'
import { METRICS_ADDRESS, METRICS_SYNTAX } from './syntax.ts'

type MetricsRequest = CommandRequest<typeof METRICS_SYNTAX.options>

/** `consul-locker metrics [PATTERN]` */
export const metricsCommand = subcommand(METRICS_SYNTAX, async (request) => {
  const { ctx, options, words, environment, signals } = request
  const [pattern, ...others] = words
  checkNoWords(others, 'consul-locker metrics [PATTERN]')
  const { most, prefix: prefixes, once, rollout } = options
  const secret = secretFor(request)
  const readRollout = rollout === undefined ? nothing : await ofRollout(request, rollout)
  const consul = await connect(options, environment, locksRules(prefixes))
  const read: ReadMetrics = async (ctx) => {
    const all = await Promise.all([readLockMetrics(ctx, consul, { pattern, prefixes }, most), readRollout(ctx)])
    return all.flat()
  }
  try {
    if (once) return await interruptible(ctx, signals, async (ctx) => printText(prometheusText(await read(ctx))))
    turnOnCompilers()
    return await interruptible(
      ctx,
      signals,
      (ctx) => serve(ctx, request, secret, read),
      () => 0,
    )
  } finally {
    consul.close()
  }
})

const nothing: ReadMetrics = async () => []

/** What only some want is loaded when it is wanted. */
async function ofRollout({ options, environment }: MetricsRequest, path: string): Promise<ReadMetrics> {
  const { rolloutMetrics } = await import('./rollout-metrics.ts')
  return rolloutMetrics(path, options, environment)
}

async function serve(
  ctx: Context,
  { options, environment }: MetricsRequest,
  secret: string | undefined,
  read: ReadMetrics,
): Promise<never> {
  const onListening = async (url: string) => {
    ctx.log.notice(`serving metrics at ${url}${secret === undefined ? ', without a secret' : ''}`)
    await notifyService(ctx, environment, { ready: true, status: `serving at ${url}` })
  }
  try {
    return await serveMetrics(ctx, new Exposition(ctx, read), { where: options.listen, secret }, onListening)
  } finally {
    await notifyService(ctx, environment, { stopping: true })
  }
}

/** The bearer token of scrapes. Throws a `usage` failure where one is needed. */
function secretFor({ options }: MetricsRequest): string | undefined {
  const { listen, once, 'secret-file': file } = options
  if (file === undefined && !once && !isLoopback(listen)) {
    throw new Failure('usage', `others can reach ${hostPortText(listen)}, so a secret is needed`, {
      hint: `give --secret-file, or listen at ${METRICS_ADDRESS}`,
    })
  }
  return readSecret(file)
}
