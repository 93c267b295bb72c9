import { aborted } from '../base/abort.ts'
import type { Guardian } from '../child/guardian.ts'
import { GUARDIAN_SLACK_MS } from '../lock/deadline.ts'
import { dutyWord, type Guard } from './guard.ts'

/** The guardian of an agent whose application is no master has no deadline; it only outlives us. */
const FOR_EVER_MS = 365 * 24 * 3_600_000

/** A guard that is the runner's guardian: a shell that runs our own executable when we are gone. */
export class ShellGuard implements Guard {
  readonly #failed = new AbortController()
  #guardian: Guardian
  #session: string | undefined
  #leftMs: (() => number) | undefined
  #group: number | undefined

  constructor(guardian: Guardian) {
    this.#guardian = guardian
    this.#follow()
    this.#tellAll()
  }

  get failed(): AbortSignal {
    return this.#failed.signal
  }

  /** Another guardian takes over, for the application is demoted in another way now. */
  replace(guardian: Guardian): void {
    const before = this.#guardian
    this.#guardian = guardian
    this.#follow()
    this.#tellAll()
    before.dismiss()
  }

  session(id: string): void {
    this.#session = id
    this.#tellAll()
  }

  master(leftMs: (() => number) | undefined): void {
    const isNews = (leftMs === undefined) !== (this.#leftMs === undefined)
    this.#leftMs = leftMs
    if (isNews) this.#tellAll()
    else if (leftMs) this.#arm()
  }

  calling(group: number | undefined): void {
    this.#group = group
    this.#arm()
  }

  dismiss(): void {
    this.#guardian.dismiss()
  }

  #follow(): void {
    const guardian = this.#guardian
    aborted(guardian.failed).then((reason) => {
      if (guardian === this.#guardian) this.#failed.abort(reason)
    })
  }

  /** Each word puts the deadline off, so arming comes last. */
  #tellAll(): void {
    this.#guardian.answerFor(dutyWord({ demotes: this.#leftMs !== undefined, session: this.#session }))
    this.#arm()
  }

  #arm(): void {
    const ms = this.#leftMs ? Math.max(0, this.#leftMs()) + GUARDIAN_SLACK_MS : FOR_EVER_MS
    this.#guardian.arm(this.#group ?? 'none', ms)
  }
}
