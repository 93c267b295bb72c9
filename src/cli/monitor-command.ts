import { hostname } from 'node:os'
import { Failure } from '../base/failure.ts'
import { notifyService } from '../child/service-notify.ts'
import { type MonitorJob, monitor, type OnChange } from '../discovery/monitor.ts'
import { parseServiceInfo } from '../discovery/service-info.ts'
import { type Target, targetText, tcpTarget, urlTarget } from '../discovery/target.ts'
import { monitorRules } from './acl-rules.ts'
import { connect } from './connect.ts'
import { duration } from './duration.ts'
import { checkNoWords, labelOf, serviceIdOf } from './instance-words.ts'
import { interruptible } from './interruptible.ts'
import type { Invocation } from './invocation.ts'
import { MONITOR_SYNTAX } from './monitor-syntax.ts'
import { type Given, givenIn, parseAnywhere } from './parse.ts'

const INTERVAL_MS = 5000
const TIMEOUT_MS = 3000
const SHORTEST_INTERVAL_MS = 100

/** `consul-locker monitor`. Settles with the exit code. */
export async function monitorCommand({ words, environment, signals, context }: Invocation): Promise<number> {
  const parsed = parseAnywhere(MONITOR_SYNTAX, words, environment)
  const ctx = context(parsed.options)
  const given = givenIn(parsed)
  checkNoWords([...parsed.words, ...parsed.command], 'consul-locker monitor --label L --monitor-url URL')
  const job = jobOf(given, environment)
  const consul = await connect(given, environment, monitorRules(job.registration.label))
  const onChange: OnChange = async (ctx, up, sentence) => {
    if (up) ctx.log.notice(sentence)
    else ctx.log.warn(sentence)
    await notifyService(ctx, environment, { ready: up, status: sentence })
  }
  try {
    const { label, serviceId } = job.registration
    ctx.log.notice(`watching ${targetText(job.look.target)} for ${label}: ${serviceId}`)
    await notifyService(ctx, environment, { status: `${label}: ${serviceId} is awaited` })
    const work = async (ctx: Parameters<OnChange>[0]) => {
      try {
        return await monitor(ctx, consul, job, onChange)
      } finally {
        await notifyService(ctx, environment, { stopping: true, status: `${label}: ${serviceId} is watched no more` })
      }
    }
    return await interruptible(ctx, signals, work, () => 0)
  } finally {
    consul.close()
  }
}

function jobOf(given: Given, environment: NodeJS.ProcessEnv): MonitorJob {
  const label = labelOf(given)
  const serviceId = serviceIdOf(given)
  const info = given('service-info')
  const { port, meta } = info === undefined ? { port: undefined, meta: {} } : parseServiceInfo(info)
  const intervalMs = duration('interval', given) ?? INTERVAL_MS
  if (intervalMs < SHORTEST_INTERVAL_MS) throw new Failure('usage', '--interval must be 100ms or more')
  const timeoutMs = duration('timeout', given) ?? Math.min(TIMEOUT_MS, intervalMs)
  if (timeoutMs <= 0) throw new Failure('usage', '--timeout must be more than nothing')
  return {
    registration: {
      label,
      serviceId,
      address: addressOf(given),
      port,
      meta: { host: hostname(), label, service_id: serviceId, ...meta },
    },
    look: { target: targetOf(given), timeoutMs, environment },
    intervalMs,
  }
}

function addressOf(given: Given): string | undefined {
  const address = given('address')
  if (address === undefined || /^[A-Za-z0-9._:-]{1,253}$/.test(address)) return address
  throw new Failure('usage', `--address ${JSON.stringify(address.slice(0, 100))} is no address`, {
    hint: 'an IP address or a host name, without a port',
  })
}

function targetOf(given: Given): Target {
  const url = given('monitor-url')
  const tcp = given('monitor-tcp')
  const command = given('monitor-command')
  const targets = [
    ...(url === undefined ? [] : [urlTarget(url)]),
    ...(tcp === undefined ? [] : [tcpTarget(tcp)]),
    ...(command === undefined ? [] : [{ kind: 'command', line: command } as const]),
  ]
  const [target, other] = targets
  const hint = 'give one of --monitor-url, --monitor-tcp and --monitor-command'
  if (target === undefined) throw new Failure('usage', 'what tells whether the service is healthy?', { hint })
  if (other !== undefined) throw new Failure('usage', 'two things were given to tell the health by', { hint })
  return target
}
