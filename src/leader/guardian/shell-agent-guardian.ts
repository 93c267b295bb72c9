import { aborted } from '../../base/abort.ts'
import type { GuardedGroup, Guardian } from '../../child/guardian.ts'
import { GUARDIAN_SLACK_MS } from '../../lock/lease-timing.ts'
import { type AgentGuardian, formatCleanupTask, type MasterTime } from './agent-guardian.ts'

/** The guardian of an agent whose application is no master has no deadline; it only outlives us. */
const FOR_EVER_MS = 365 * 24 * 3_600_000

/** An agent's guardian that is the runner's: a shell that runs our own executable when we are gone. */
export class ShellAgentGuardian implements AgentGuardian {
  readonly #failed = new AbortController()
  #guardian: Guardian
  #session: string | undefined
  #time: (() => MasterTime) | undefined
  #group: GuardedGroup | undefined

  constructor(guardian: Guardian) {
    this.#guardian = guardian
    this.#watchFailure()
    this.#tellAll()
  }

  get failed(): AbortSignal {
    return this.#failed.signal
  }

  /** Another guardian takes over, for the application is demoted in another way now. */
  replace(guardian: Guardian): void {
    const before = this.#guardian
    this.#guardian = guardian
    this.#watchFailure()
    this.#tellAll()
    before.dismiss()
  }

  setSession(id: string): void {
    this.#session = id
    this.#tellAll()
  }

  setMaster(time: (() => MasterTime) | undefined): void {
    const isNews = (time === undefined) !== (this.#time === undefined)
    this.#time = time
    if (isNews) this.#tellAll()
    else if (time) this.#arm()
  }

  setCallGroup(group: GuardedGroup | undefined): void {
    this.#group = group
    this.#arm()
  }

  dismiss(): void {
    this.#guardian.dismiss()
  }

  #watchFailure(): void {
    const guardian = this.#guardian
    aborted(guardian.failed).then((reason) => {
      if (guardian === this.#guardian) this.#failed.abort(reason)
    })
  }

  /** Each word puts the deadline off, so arming comes last. */
  #tellAll(): void {
    this.#guardian.setSession(formatCleanupTask({ demotes: this.#time !== undefined, session: this.#session }))
    this.#arm()
  }

  #arm(): void {
    const group = this.#group ?? 'none'
    if (this.#time) {
      const { leftMs, restMs } = this.#time()
      this.#guardian.arm(group, Math.max(0, leftMs) + GUARDIAN_SLACK_MS, restMs)
    } else {
      this.#guardian.arm(group, FOR_EVER_MS)
    }
  }
}
