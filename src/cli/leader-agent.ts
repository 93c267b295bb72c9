import { scope, unlessAborted } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { checkSurroundings } from '../child/guardian-needs.ts'
import { notifyService } from '../child/service-notify.ts'
import type { ForwardedSignal } from '../child/signals.ts'
import { agentSelf } from '../consul/agent.ts'
import type { Consul } from '../consul/consul.ts'
import { checksOf } from '../consul/node-checks.ts'
import { Retry } from '../consul/retry.ts'
import { localServices } from '../consul/services.ts'
import { transact } from '../consul/txn.ts'
import { Agent, type Tuning } from '../leader/agent.ts'
import { answersAsAgent } from '../leader/agent-probe.ts'
import { openApi } from '../leader/api.ts'
import { CommandedApplication } from '../leader/commands.ts'
import { Election } from '../leader/election.ts'
import { watchFolder } from '../leader/folder.ts'
import type { LeaderFile } from '../leader/leader-file.ts'
import { leaderKeys } from '../leader/leader-keys.ts'
import { leaderTiming } from '../leader/leader-timing.ts'
import { watchRank } from '../leader/peers.ts'
import { ConsulRegistration } from '../leader/registration.ts'
import type { Self } from '../leader/self.ts'
import { agentCheckId } from '../leader/service-definition.ts'
import { serviceTerms } from '../leader/service-terms.ts'
import { ShellGuard } from '../leader/shell-guard.ts'
import { leaderRules } from './acl-rules.ts'
import { connect } from './connect.ts'
import { orFromFile } from './consul-of-file.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { startDutyGuardian } from './leader-duty.ts'
import { environmentOf, fixedKeys, type Plan, readPlan } from './leader-plan.ts'
import type { Given } from './parse.ts'
import { userName } from './user-name.ts'

/** A hang-up has the file read again. */
const ENDS_AGENT: readonly ForwardedSignal[] = ['SIGINT', 'SIGTERM', 'SIGQUIT']

/** One agent's process. */
export class LeaderAgent {
  readonly #path: string
  readonly #given: Given
  readonly #invocation: Invocation

  constructor(invocation: Invocation, path: string, given: Given) {
    this.#invocation = invocation
    this.#path = path
    this.#given = given
  }

  /** Runs until a signal ends it. Settles with the exit code; rejects with a `Failure` when it can't begin. */
  async run(ctx: Context): Promise<number> {
    const { environment, signals } = this.#invocation
    checkSurroundings(environment.PATH)
    const { file, module } = await readPlan(ctx, this.#path, environment, '')
    const timing = leaderTiming(this.#path, file)
    const given = orFromFile(this.#given, file.consul, environment)
    const keys = leaderKeys(file.name, file.lock_key)
    const consul = await connect(given, environment, leaderRules(file.name, keys))
    using beginning = scope(ctx.signal)
    let stop = (signal: ForwardedSignal) => beginning.abort(signal)
    let reload = () => {}
    using _listening = signals.listen((signal) => {
      if (ENDS_AGENT.includes(signal)) stop(signal)
      if (signal === 'SIGHUP') reload()
    })
    let agent: Agent | undefined
    const api = await openApi(ctx, file.api, () => agent?.view)
    try {
      const self = await this.#self(under(ctx, beginning.signal), consul, file)
      await this.#refuseSecond(under(ctx, beginning.signal), consul, file, self.node)
      const commandsEnvironment = environmentOf(environment, file.name, self.node)
      const guardianFor = (plan: Pick<Plan, 'file' | 'module'>) => {
        const estate = {
          path: this.#path,
          file: plan.file,
          agent: self.runId,
          moduleExports: [...(plan.module?.exports ?? [])],
        }
        return startDutyGuardian(ctx, estate, given, commandsEnvironment)
      }
      const guardian = guardianFor({ file, module })
      await unlessAborted(beginning.signal, guardian.ready())
      const guard = new ShellGuard(guardian)
      const registration = new ConsulRegistration(consul, serviceTerms(file, timing, self.runId), file.interval)
      let now = file
      agent = new Agent(
        ctx,
        {
          name: file.name,
          node: self.node,
          application: new CommandedApplication(file, module, commandsEnvironment),
          registration,
          guard,
          graceMs: timing.graceMs,
          lock: (ctx, listener) => {
            const { name, max_failovers_per_hour: maxFailoversPerHour } = file
            const checks = [agentCheckId(name)]
            const { done: registered } = registration
            const terms = { name, keys, timing, checks, self, maxFailoversPerHour, registered }
            return new Election(ctx, consul, terms, listener)
          },
          watch: (ctx, receive) => watchFolder(ctx, consul, keys, receive),
          watchRank: (ctx, receive) => watchRank(ctx, consul, () => ({ ...now, node: self.node }), receive),
          takeStepDown: async (ctx, index) => {
            await transact(ctx, consul, [{ verb: 'delete-cas', key: keys.stepDown, index }])
          },
        },
        tuningOf(file),
      )
      ctx.log.notice(`API server listening on ${file.api}`)
      const running = agent
      let told = registration.done.then(() =>
        notifyService(ctx, environment, { ready: true, status: `${file.name} is registered in Consul` }),
      )
      stop = () => {
        told = notifyService(ctx, environment, { stopping: true, status: `${file.name} is handed over` })
        running.stop()
      }
      reload = () => {
        this.#reload(ctx, now, self.node).then((plan) => {
          if (!plan) return
          now = plan.file
          guard.replace(guardianFor(plan))
          registration.change(serviceTerms(plan.file, timing, self.runId))
          running.retune(plan.application, tuningOf(plan.file))
        })
      }
      if (beginning.signal.aborted) stop(beginning.signal.reason)
      const isClean = await running.run()
      await told
      if (isClean) guard.failed.throwIfAborted()
      return isClean ? 0 : EXIT.lost
    } catch (thrown) {
      // Ended before it began: there is nothing to hand over.
      if (!beginning.signal.aborted || thrown !== beginning.signal.reason) throw thrown
      return 0
    } finally {
      await api.close(0)
      consul.close()
    }
  }

  /** Two agents of one application on one node would take its service from each other, again and again. */
  async #refuseSecond(ctx: Context, consul: Consul, { name, api }: LeaderFile, node: string): Promise<void> {
    const retry = new Retry(consul)
    const other = (await retry.until(ctx, () => localServices(ctx, consul))).get(name)?.meta.api
    if (other === undefined || other === api || !(await answersAsAgent(ctx, other))) return
    // Anybody may answer where an agent did that has died; its check tells of that.
    const checks = await retry.until(ctx, () => checksOf(ctx, consul, node))
    if (!checks.some(({ CheckID, Status }) => CheckID === agentCheckId(name) && Status === 'passing')) return
    throw new Failure('declined', `another agent of ${name} runs on this node: it answers at ${other}`, {
      hint: 'one agent a node and application; give another name, or end that one',
    })
  }

  async #self(ctx: Context, consul: Consul, file: LeaderFile): Promise<Self> {
    const { node, address } = await new Retry(consul).until(ctx, () => agentSelf(ctx, consul))
    const own = file.address ?? address
    if (own === '') {
      throw new Failure('config', `${this.#path}: the node's address is not known`, { hint: 'give the key address' })
    }
    return { node, address: own, port: file.port, pid: process.pid, user: userName(), runId: randomId() }
  }

  /** What a hang-up asks for; `undefined`, and a word about it, when the file is bad or needs a restart. */
  async #reload(ctx: Context, before: LeaderFile, node: string): Promise<Plan | undefined> {
    try {
      const plan = await readPlan(ctx, this.#path, this.#invocation.environment, node)
      const fixed = fixedKeys(before, plan.file)
      if (fixed.length === 0) {
        ctx.log.notice(`read ${this.#path} again`)
        return plan
      }
      ctx.log.error(`${this.#path} is not taken over: ${fixed.join(', ')} can be changed only by a restart`)
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      ctx.log.error(`${thrown.message}${thrown.hint ? ` (${thrown.hint})` : ''}; going on as before`)
    }
    return undefined
  }
}

function tuningOf({ interval, nofailover, min_leader_time }: LeaderFile): Tuning {
  return { intervalMs: interval, nofailover, minLeaderMs: min_leader_time }
}
