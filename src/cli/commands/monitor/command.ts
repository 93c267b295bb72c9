import { hostname } from 'node:os'
import { Failure } from '../../../base/failure.ts'
import { notifyService } from '../../../child/service-notify.ts'
import { type MonitorOptions, monitor, type OnChange } from '../../../discovery/monitor.ts'
import { type MonitorTarget, targetText } from '../../../discovery/monitor-target.ts'
import { monitorRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { labelOf, serviceIdOf } from '../../options/instance-options.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { MONITOR_SYNTAX, type MonitorCommandOptions } from './syntax.ts'

const TIMEOUT_MS = 3000

/** `consul-locker monitor` */
export const monitorCommand = subcommand(
  MONITOR_SYNTAX,
  async ({ ctx, options, words, command = [], environment, signals }) => {
    checkNoWords([...words, ...command], 'consul-locker monitor --label L --monitor-url URL')
    const monitored = monitorOptions(options, environment)
    const consul = await connect(options, environment, monitorRules(monitored.registration.label))
    const onChange: OnChange = async (ctx, up, sentence) => {
      if (up) ctx.log.notice(sentence)
      else ctx.log.warn(sentence)
      await notifyService(ctx, environment, { ready: up, status: sentence })
    }
    try {
      const { label, serviceId } = monitored.registration
      ctx.log.notice(`watching ${targetText(monitored.probe.target)} for ${label}: ${serviceId}`)
      await notifyService(ctx, environment, { status: `${label}: ${serviceId} is awaited` })
      const work = async (ctx: Parameters<OnChange>[0]) => {
        try {
          return await monitor(ctx, consul, monitored, onChange)
        } finally {
          await notifyService(ctx, environment, { stopping: true, status: `${label}: ${serviceId} is watched no more` })
        }
      }
      return await interruptible(ctx, signals, work, () => EXIT.done)
    } finally {
      consul.close()
    }
  },
)

function monitorOptions(options: MonitorCommandOptions, environment: NodeJS.ProcessEnv): MonitorOptions {
  const label = labelOf(options)
  const serviceId = serviceIdOf(options)
  const { port, meta = {} } = options['service-info'] ?? {}
  const { interval: intervalMs, timeout: timeoutMs = Math.min(TIMEOUT_MS, intervalMs) } = options
  return {
    registration: {
      label,
      serviceId,
      address: options.address,
      port,
      meta: { host: hostname(), label, service_id: serviceId, ...meta },
    },
    probe: { target: targetOf(options), timeoutMs, environment },
    intervalMs,
  }
}

function targetOf(options: MonitorCommandOptions): MonitorTarget {
  const { 'monitor-url': url, 'monitor-tcp': tcp, 'monitor-command': command } = options
  const [target, other] = [url, tcp, command].filter((target) => target !== undefined)
  const hint = 'give one of --monitor-url, --monitor-tcp and --monitor-command'
  if (target === undefined) throw new Failure('usage', 'what tells whether the service is healthy?', { hint })
  if (other !== undefined) throw new Failure('usage', 'two things were given to tell the health by', { hint })
  return target
}
