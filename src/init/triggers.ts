import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { lastLine, oneLine } from '../base/printable.ts'
import type { Executable } from '../child/executable.ts'
import { shellStatus } from '../child/exit-status.ts'
import { runTask } from '../child/task.ts'
import type { AgentSelf } from '../consul/agent-self.ts'
import type { Consul } from '../consul/consul.ts'
import { readKey } from '../consul/kv.ts'
import { isMaintained } from '../consul/maintenance.ts'
import { type ClusterView, ownRole, viewCluster } from '../switchover/cluster-view.ts'
import { activeNodes } from '../switchover/takeover.ts'
import type { FailingService, TriggerState } from './failing-checks.ts'
import { localAgent } from './local-agent.ts'
import { parseTriggerAction } from './trigger-action.ts'
import type { TriggerFile } from './trigger-file.ts'

export interface TriggerRequest {
  readonly consul: Consul
  readonly file: TriggerFile
  readonly state: TriggerState
  readonly failing: readonly FailingService[]
  readonly environment: NodeJS.ProcessEnv
  /** When this has passed an action is ended, in milliseconds. */
  readonly timeoutMs: number
}

const GRACE_MS = 2000
const LINE_LENGTH = 200

/**
 * Runs the actions that stand in Consul for services of our node whose checks fail, once for each service, as
 * python-powerconsul's `watch` and `trigger` do. While a switch moves a service, or its node is in maintenance, others
 * decide what runs. Settles with whether all that ran succeeded; rejects with a `Failure`.
 */
export async function runTriggers(ctx: Context, request: TriggerRequest): Promise<boolean> {
  const { consul, file, failing } = request
  const self = await localAgent(ctx, consul)
  const own = failing.filter(({ node }) => node === self.node)
  for (const { service, output } of own) {
    if (output === '') ctx.log.debug(`${service} has no trigger run by a check that has no output yet`)
  }
  const said = new Map(own.filter(({ output }) => output !== '').map((one) => [one.service, one]))
  let isWell = true
  for (const { service, output } of said.values()) {
    if (file.noopTriggers.includes(service)) ctx.log.notice(`${service} has its triggers off (noopTriggers)`)
    else if (!(await runTrigger(ctx, request, self, service, output))) isWell = false
  }
  return isWell
}

async function runTrigger(
  ctx: Context,
  request: TriggerRequest,
  self: AgentSelf,
  service: string,
  output: string,
): Promise<boolean> {
  const { consul, file, state, environment } = request
  const role = await triggerRole(ctx, request, self, service)
  if (role === undefined) return true
  const { entry } = await readKey(ctx, consul, `triggers/${service}/${role}/${state}`)
  try {
    const command = parseTriggerAction(entry?.value ?? '', file.subVars, environment.PATH)
    if (!command) return true
    ctx.log.notice(`${service} is ${state} as ${role}: ${oneLine(output, LINE_LENGTH)}`)
    return await act(ctx, request, service, command)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(`the trigger of ${service} was not run: ${thrown.message}`)
    return false
  }
}

/** When no primary passes, a standby acts as one. `undefined`: nobody acts now. Rejects with a `Failure`. */
async function triggerRole(
  ctx: Context,
  { consul, file }: TriggerRequest,
  self: AgentSelf,
  service: string,
): Promise<'primary' | 'secondary' | 'standalone' | undefined> {
  const cluster = { service, key: `${file.clusterKey}/${service}`, nodes: file.serviceFilter }
  if (await isMaintained(ctx, consul, self.node, service)) {
    ctx.log.notice(`${service} has no trigger run: ${self.node} is in maintenance`)
    return undefined
  }
  const { entry } = await readKey(ctx, consul, cluster.key, { consistent: true })
  if (!entry) return 'standalone'
  const view = await viewCluster(ctx, consul, cluster, self)
  if (isMoving(view)) {
    ctx.log.notice(`${service} has no trigger run: a switch or a fence of it is under way`)
    return undefined
  }
  if (ownRole(view) === 'active') return 'primary'
  const { passing, maintained } = await activeNodes(ctx, view)
  return passing || maintained.length > 0 ? 'secondary' : 'primary'
}

function isMoving({ home, sites, self }: ClusterView): boolean {
  const flags = (['promote', 'demote'] as const).map((direction) => home.flag(self.node, direction).value)
  return sites.some(({ plan }) => plan !== undefined) || flags.some((value) => value !== 'NULL')
}

async function act(
  ctx: Context,
  { environment, timeoutMs }: TriggerRequest,
  service: string,
  command: Executable,
): Promise<boolean> {
  const task = { command, environment, timeoutMs, graceMs: GRACE_MS, sparesDaemons: true }
  const { status, output } = await runTask(ctx, task)
  if (status === 'interrupted') throw ctx.signal.reason
  const code = status === 'too-late' ? undefined : shellStatus(status)
  const words = lastLine(output, LINE_LENGTH)
  const said = words === '' ? '' : `: ${words}`
  if (code === 0) ctx.log.notice(`the trigger of ${service} has run${said}`)
  else if (code === undefined) ctx.log.warn(`the trigger of ${service} did not end within ${formatDuration(timeoutMs)}`)
  else ctx.log.warn(`the trigger of ${service} ended with ${code}${said}`)
  return code === 0
}
