import { Complaint } from '../../base/complaint.ts'
import type { Context } from '../../base/context.ts'
import { Failure, messageOf } from '../../base/failure.ts'
import type { GuardedGroup } from '../../child/guardian.ts'
import type { AgentGuardian, MasterTime } from './agent-guardian.ts'
import type { Watchdog } from './watchdog.ts'

const PET_MS = 1000

/**
 * A guardian with a watchdog behind it, for the case that both of us die, or the machine hangs. It is armed while the
 * application may be master, gets signs of life only while the lease holds, and is disarmed once the application is
 * demoted.
 */
export class WatchedGuardian implements AgentGuardian {
  readonly #ctx: Context
  readonly #guardian: AgentGuardian
  readonly #watchdog: Watchdog
  readonly #isRequired: boolean
  readonly failed: AbortSignal
  readonly #failed = new AbortController()
  #time: (() => MasterTime) | undefined
  #cancel: () => void = () => {}
  #isWatching = false
  readonly #complaint = new Complaint()

  constructor(ctx: Context, guardian: AgentGuardian, watchdog: Watchdog, isRequired: boolean) {
    this.#ctx = ctx
    this.#guardian = guardian
    this.#watchdog = watchdog
    this.#isRequired = isRequired
    this.failed = AbortSignal.any([guardian.failed, this.#failed.signal])
    // A former life that was killed may have left it counting; from now on it is we who demote.
    this.#try(() => {
      watchdog.arm()
      watchdog.disarm()
    })
  }

  setSession(id: string): void {
    this.#guardian.setSession(id)
  }

  setMaster(time: (() => MasterTime) | undefined): void {
    this.#time = time
    if (!time) this.#rest()
    this.#guardian.setMaster(time)
    // What was found at the start, without a lease, is demoted first, or left alone for a maintenance.
    if (time?.().isLeased) this.#watch()
  }

  setCallGroup(group: GuardedGroup | undefined): void {
    this.#guardian.setCallGroup(group)
  }

  dismiss(): void {
    this.#rest()
    this.#guardian.dismiss()
  }

  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#try(() => this.#watchdog.arm())
    if (this.#watchdog.isArmed) this.#ctx.log.notice('the watchdog is armed')
    this.#pet()
  }

  #pet(): void {
    if (this.#time?.().isLeased) this.#try(() => this.#watchdog.pet())
    this.#cancel = this.#ctx.clock.after(PET_MS, () => this.#pet())
  }

  #rest(): void {
    this.#cancel()
    this.#isWatching = false
    if (!this.#watchdog.isArmed) return
    this.#try(() => this.#watchdog.disarm())
    if (!this.#watchdog.isArmed) this.#ctx.log.notice('the watchdog is disarmed')
  }

  #try(work: () => void): void {
    try {
      work()
    } catch (thrown) {
      const sentence = `the watchdog fails: ${messageOf(thrown)}`
      this.#complaint.tell(sentence, (text) => this.#ctx.log.error(text))
      if (this.#isRequired) this.#failed.abort(new Failure('local', sentence))
    }
  }
}
