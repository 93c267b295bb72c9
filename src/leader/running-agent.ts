import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import type { Guardian } from '../child/guardian.ts'
import { notifyService } from '../child/service-notify.ts'
import type { Consul } from '../consul/consul.ts'
import { isProcessAlive } from '../host/process-alive.ts'
import type { AgentTuning } from './agent/agent-parts.ts'
import type { AgentStatus } from './agent/agent-status.ts'
import { ChangeHook, type Hook } from './agent/change-hook.ts'
import { FailoverAgent } from './agent/failover-agent.ts'
import { HistoryWriter } from './agent/history-writer.ts'
import { ConsulReinitDesk } from './agent/reinit-desk.ts'
import { reinitMemory } from './agent/reinit-memory.ts'
import { type AgentPlan, commandEnvironment, readAgentPlan } from './agent-plan.ts'
import type { Application } from './application/application.ts'
import { ConsulNoteStore } from './application/note-store.ts'
import { isFormerLife } from './cluster/former-life.ts'
import type { AgentIdentity, LeaderRecord } from './cluster/leader-record.ts'
import { consulParts } from './consul-parts.ts'
import { changedFixedKeys } from './fixed-keys.ts'
import type { AgentGuardian } from './guardian/agent-guardian.ts'
import { ShellAgentGuardian } from './guardian/shell-agent-guardian.ts'
import { Watchdog } from './guardian/watchdog.ts'
import { WatchedGuardian } from './guardian/watched-guardian.ts'
import { DEFAULT_FALL, DEFAULT_RISE, type LeaderFile } from './leader-file.ts'
import { CALL_GRACE_MS } from './leader-timing.ts'
import { ConsulRegistration } from './service/registration.ts'
import { serviceTerms } from './service/service-definition.ts'

/** What is known about an agent once it may begin. */
export interface AgentSetting {
  readonly plan: AgentPlan
  readonly consul: Consul
  readonly environment: NodeJS.ProcessEnv
  readonly identity: AgentIdentity
  /** It is ready. */
  readonly guardian: Guardian
  readonly guardianFor: (plan: AgentPlan) => Guardian
}

/** An agent at work, by its file as it was last read. systemd hears of its beginning and of its end. */
export class RunningAgent {
  readonly #ctx: Context
  readonly #setting: AgentSetting
  readonly #guardian: ShellAgentGuardian
  /** The same, with a watchdog behind it if there is one. */
  readonly #watched: AgentGuardian
  readonly #registration: ConsulRegistration
  readonly #agent: FailoverAgent
  #application: Application
  #plan: AgentPlan
  #notified: Promise<void>

  constructor(ctx: Context, setting: AgentSetting) {
    const { plan, consul, identity, environment } = setting
    const { file, keys, timing } = plan
    this.#ctx = ctx
    this.#setting = setting
    this.#plan = plan
    this.#guardian = new ShellAgentGuardian(setting.guardian)
    const isRequired = file.watchdog.mode === 'required'
    this.#watched =
      plan.watchdog === undefined
        ? this.#guardian
        : new WatchedGuardian(ctx, this.#guardian, new Watchdog(plan.watchdog), isRequired)
    this.#application = this.#applicationAfter(undefined)
    this.#registration = new ConsulRegistration(consul, this.#serviceTerms(), file.interval)
    const { done: registered } = this.#registration
    const election = {
      name: file.name,
      keys,
      timing,
      identity,
      maxFailoversPerHour: () => this.#plan.file.max_failovers_per_hour,
      registered,
    }
    const parts = {
      name: file.name,
      node: identity.node,
      application: this.#application,
      registration: this.#registration,
      guardian: this.#watched,
      isFormerLife: (holder: Partial<LeaderRecord>) => isFormerLife(holder, identity, isProcessAlive),
      graceMs: timing.graceMs,
      fenceMs: file.timeouts.fence,
      reinit: new ConsulReinitDesk(
        ctx,
        consul,
        keys.reinit + identity.node,
        reinitMemory(ctx.log, environment, file.name),
      ),
      spectators: [
        new HistoryWriter(ctx, consul, keys.history, identity),
        new ChangeHook(ctx, identity, () => this.#hook()),
      ],
      ...consulParts(consul, election),
    }
    this.#agent = new FailoverAgent(ctx, parts, tuningOf(file))
    this.#notified = registered.then(() =>
      notifyService(ctx, environment, { ready: true, status: `${file.name} is registered in Consul` }),
    )
  }

  get status(): AgentStatus {
    return this.#agent.status
  }

  /**
   * Settles with whether the application was left as no master. Rejects when nobody could act in our place any more.
   */
  async run(): Promise<boolean> {
    const isClean = await this.#agent.run()
    await this.#notified
    if (isClean) this.#watched.failed.throwIfAborted()
    return isClean
  }

  /** Hands over, and ends. */
  stop(): void {
    const { environment, plan } = this.#setting
    const status = `${plan.file.name} is handed over`
    this.#notified = notifyService(this.#ctx, environment, { stopping: true, status })
    this.#agent.stop()
  }

  /** Reads the file again. One that is bad, or needs a restart, changes nothing and is told of. */
  async reload(): Promise<void> {
    const plan = await this.#readAgain()
    if (!plan) return
    this.#plan = plan
    this.#guardian.replace(this.#setting.guardianFor(plan))
    this.#registration.change(this.#serviceTerms(), plan.file.interval)
    this.#application = this.#applicationAfter(this.#application)
    this.#agent.retune(this.#application, tuningOf(plan.file))
  }

  async #readAgain(): Promise<AgentPlan | undefined> {
    const { log } = this.#ctx
    const { path, file } = this.#plan
    try {
      const plan = await readAgentPlan(this.#ctx, path, this.#setting.environment)
      const fixed = changedFixedKeys(file, plan.file)
      if (fixed.length === 0) {
        log.notice(`read ${path} again`)
        return plan
      }
      log.error(`${path} is not taken over: ${fixed.join(', ')} can be changed only by a restart`)
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      log.error(`${thrown.message}${thrown.hint ? ` (${thrown.hint})` : ''}; going on as before`)
    }
    return undefined
  }

  #applicationAfter(before: Application | undefined): Application {
    const { consul, environment, identity } = this.#setting
    const { file, keys, driver } = this.#plan
    const { node } = identity
    const notes = new ConsulNoteStore(consul, keys.note)
    return driver.make({ file, node, notes, environment: commandEnvironment(environment, file.name, node) }, before)
  }

  #hook(): Hook | undefined {
    const { environment, identity } = this.#setting
    const { name, on_change: command, timeouts } = this.#plan.file
    const own = commandEnvironment(environment, name, identity.node)
    return command === undefined ? undefined : { command, timeoutMs: timeouts.on_change, environment: own }
  }

  #serviceTerms() {
    const { file, timing } = this.#plan
    return serviceTerms(file, timing, this.#setting.identity.runId)
  }
}

function tuningOf({
  interval,
  nofailover,
  priority,
  min_leader_time,
  max_lag,
  health,
  timeouts,
}: LeaderFile): AgentTuning {
  // It is asked how it is, and whether it is ready.
  const lookMs = interval + (health?.timeout ?? timeouts.health) + timeouts.health + 2 * CALL_GRACE_MS
  const healthRule = { fall: health?.fall ?? DEFAULT_FALL, rise: health?.rise ?? DEFAULT_RISE }
  const own = { intervalMs: interval, nofailover, priority, minLeaderMs: min_leader_time, maxLag: max_lag }
  return { ...own, lookMs, healthRule }
}
