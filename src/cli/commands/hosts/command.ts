import { AbortReason, withTimeout } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { printable } from '../../../base/printable.ts'
import type { Executable } from '../../../child/executable.ts'
import type { Consul } from '../../../consul/consul.ts'
import type { Instance } from '../../../consul/instances.ts'
import { tellOfUnseenNodes } from '../../../consul/node-visibility.ts'
import { findHosts, type HostsQuery } from '../../../discovery/find-hosts.ts'
import {
  addressFormat,
  type HostFormat,
  hostsJson,
  renderHosts,
  templateFormat,
} from '../../../discovery/host-format.ts'
import { watchHosts } from '../../../discovery/host-watch.ts'
import { hostsRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { labelOf } from '../../options/instance-options.ts'
import { ownNode } from '../../options/own-node.ts'
import { printText } from '../../output/print.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { commandBehind } from '../../user-command/command-behind.ts'
import { HostListFile } from './host-list-file.ts'
import { reloadWith } from './reload.ts'
import { HOSTS_SYNTAX, type HostsCommandOptions } from './syntax.ts'

const TELLING_MS = 1000
const UNTOLD = new AbortReason('Consul tells nothing in time')

/** `consul-locker hosts [--watch [-- command…]]` */
export const hostsCommand = subcommand(
  HOSTS_SYNTAX,
  async ({ ctx, options, words, command: line, environment, signals }) => {
    checkNoWords(words, 'consul-locker hosts --label L')
    const label = labelOf(options)
    const form = formOf(options)
    const command = await commandBehind(line, environment, 'have the list only')
    checkPurpose(options, command)
    const file = options.output === undefined ? undefined : new HostListFile(options.output)
    const consul = await connect(options, environment, hostsRules(label))
    const work = async (ctx: Context) => {
      const beganAt = ctx.clock.now()
      const patienceMs = options.watch ? Number.POSITIVE_INFINITY : options.wait
      const exceptNode = options['exclude-self'] ? await ownNode(ctx, consul, patienceMs) : undefined
      const which = { label, exceptNode, min: options.min, ...form }
      const waitMs = Math.max(0, options.wait - ctx.clock.since(beganAt))
      if (!options.watch) return await look(ctx, consul, { ...which, waitMs }, options.wait, file)
      return await watchHosts(ctx, consul, {
        ...which,
        apply: async (ctx, list) => {
          if (file && !file.tryRenew(ctx, list)) return false
          return command === undefined || (await reloadWith(ctx, command, environment, list))
        },
      })
    }
    try {
      return await interruptible(ctx, signals, work)
    } finally {
      consul.close()
    }
  },
)

/** Throws a `usage` failure for a command that nothing would run, and for a watch that would do nothing. */
function checkPurpose({ watch, output }: HostsCommandOptions, command: Executable | undefined): void {
  if (command && !watch) {
    throw new Failure('usage', 'a command is of use only to --watch', { hint: '--watch -- command…' })
  }
  if (watch && !command && output === undefined) {
    throw new Failure('usage', 'nothing is to be done when the hosts change', {
      hint: '--watch -- command…, --watch --output FILE, or both',
    })
  }
}

async function look(
  ctx: Context,
  consul: Consul,
  query: HostsQuery & ListForm,
  patienceMs: number,
  file: HostListFile | undefined,
): Promise<number> {
  const { label, min, count, render } = query
  const found = await findHosts(ctx, consul, query)
  if (count(found) < min) {
    if (found.length === 0) await tellWhyNone(ctx, consul)
    const patience = patienceMs > 0 ? ` within ${formatDuration(patienceMs)}` : ''
    ctx.log.notice(`healthy hosts of ${label}${patience}: ${count(found)}; wanted: ${min}`)
    return EXIT.busy
  }
  if (!file) return printText(`${render(found)}\n`)
  file.renew(render(found))
  return EXIT.done
}

/** Whoever has waited long enough doesn't wait long for that. */
async function tellWhyNone(ctx: Context, consul: Consul): Promise<void> {
  try {
    await withTimeout(
      ctx,
      TELLING_MS,
      () => UNTOLD,
      (ctx) => tellOfUnseenNodes(ctx, consul),
    )
  } catch (thrown) {
    if (thrown !== UNTOLD) throw thrown
  }
}

/** What a list of instances is for the user. */
interface ListForm {
  readonly count: (instances: readonly Instance[]) => number
  readonly render: (instances: readonly Instance[]) => string
}

function formOf(options: HostsCommandOptions): ListForm {
  if (options.json) return { count: ({ length }) => length, render: (instances) => printable(hostsJson(instances)) }
  const format = formatOf(options)
  return {
    count: (instances) => renderHosts(instances, format).length,
    render: (instances) => renderHosts(instances, format).join(options.separator),
  }
}

function formatOf({ format: template, port }: HostsCommandOptions): HostFormat {
  if (template === undefined) return addressFormat(port)
  if (port === undefined) return templateFormat(template)
  throw new Failure('usage', '--port and --format are two forms', { hint: 'put the port into the format' })
}
