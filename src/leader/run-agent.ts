import { scope, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { Interrupted } from '../child/interruptible-wait.ts'
import type { ForwardedSignal, SignalSource } from '../child/signals.ts'
import { agentSelf } from '../consul/agent-self.ts'
import type { Consul } from '../consul/consul.ts'
import { tellOfUnseenNodes } from '../consul/node-visibility.ts'
import { Retry } from '../consul/retry.ts'
import { bootId } from '../host/boot-id.ts'
import { userName } from '../host/user-name.ts'
import { openApi } from './agent/api.ts'
import { type AgentPlan, commandEnvironment } from './agent-plan.ts'
import type { AgentIdentity } from './cluster/leader-record.ts'
import { startAgentGuardian } from './guardian/cleanup-command.ts'
import { untilFormerGuardianEnds } from './guardian/former-guardian.ts'
import { RunningAgent } from './running-agent.ts'
import { refuseSecondAgent } from './sole-agent.ts'

/** What an agent is started with. */
export interface AgentStart {
  readonly plan: AgentPlan
  readonly consul: Consul
  /** Our own environment. */
  readonly environment: NodeJS.ProcessEnv
  /** How to reach Consul, as environment variables for whoever cleans up after us. */
  readonly connection: NodeJS.ProcessEnv
  readonly signals: SignalSource
}

const ENDS_AGENT: readonly ForwardedSignal[] = ['SIGINT', 'SIGTERM', 'SIGQUIT']

/**
 * Runs an agent until a signal ends it; a hang-up has its file read again. Settles with whether the application was
 * left as no master; rejects with a `Failure` when the agent can't begin, or when nobody can be found to act in its
 * place.
 */
export async function runAgent(ctx: Context, start: AgentStart): Promise<boolean> {
  using beginning = scope(ctx.signal)
  let agent: RunningAgent | undefined
  using _listening = start.signals.listen((signal) => {
    if (signal === 'SIGHUP') agent?.reload()
    if (!ENDS_AGENT.includes(signal)) return
    if (agent) agent.stop()
    else beginning.abort(new Interrupted(signal))
  })
  const api = await openApi(ctx, start.plan.file.api, () => agent?.status)
  try {
    agent = await startAgent(ctx, start, beginning.signal)
    if (beginning.signal.aborted) agent.stop()
    return await agent.run()
  } catch (thrown) {
    // Ended before it began: there is nothing to hand over.
    if (!beginning.signal.aborted || thrown !== beginning.signal.reason) throw thrown
    return true
  } finally {
    await api.close(0)
  }
}

/** Rejects with the signal's reason when that aborts first. */
async function startAgent(ctx: Context, start: AgentStart, signal: AbortSignal): Promise<RunningAgent> {
  const { plan, consul, environment, connection } = start
  const patienceMs = plan.timing.ttlMs + plan.timing.graceMs
  const identity = await identify(under(ctx, signal), consul, plan)
  await tellOfUnseenNodes(under(ctx, signal), consul)
  await refuseSecondAgent(under(ctx, signal), consul, plan.file, identity.node)
  await untilFormerGuardianEnds(under(ctx, signal), { name: plan.file.name, node: identity.node }, patienceMs)
  const own = commandEnvironment(environment, plan.file.name, identity.node)
  const guardianFor = (plan: AgentPlan) => startAgentGuardian(ctx, plan, identity, { ...own, ...connection })
  const guardian = guardianFor(plan)
  await unlessAborted(signal, guardian.ready())
  ctx.log.notice(`API server listening on ${plan.file.api}`)
  return new RunningAgent(ctx, { ...start, identity, guardian, guardianFor })
}

/** Who we are. Rejects with a `config` failure when nobody knows where the application is. */
async function identify(ctx: Context, consul: Consul, { path, file }: AgentPlan): Promise<AgentIdentity> {
  const self = await new Retry(consul).until(ctx, () => agentSelf(ctx, consul))
  const { address = self.address, port } = file
  if (address === '') {
    throw new Failure('config', `${path}: the node's address is not known`, { hint: 'give the key address' })
  }
  const { pid } = process
  return { node: self.node, address, port, pid, user: userName(), runId: randomId(), boot: bootId() }
}
