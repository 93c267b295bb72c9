import type { Clock } from '../../base/clock.ts'
import type { Health } from '../../consul/health.ts'
import type { CheckDraft } from '../catalog/catalog-records.ts'
import { type CheckOutcome, type CheckProbe, type CheckRunner, probeRunner, ttlRunner } from './check-runner.ts'
import type { RequestedCheck } from './requested-check.ts'

/** What a check of an agent needs of the world. */
export interface CheckWorld {
  readonly clock: Clock
  /** A number in [0, 1). */
  readonly random: () => number
  /** Looks at ports and URLs. */
  readonly probe: CheckProbe
  /** The catalog is to have the check as it stands. */
  readonly sync: (check: LocalCheck) => void
  /** Its service was critical for as long as its definition allows. */
  readonly reap: (check: LocalCheck) => void
}

const REAP_EVERY_MS = 30_000
/** An output that changes while the status stays is told to the catalog only now and then (`check_update_interval`). */
const OUTPUT_UPDATE_MS = 300_000

/** A check of an agent's own (agent/local/state.go). */
export class LocalCheck {
  readonly definition: RequestedCheck
  readonly #world: CheckWorld
  readonly #runner: CheckRunner
  #draft: CheckDraft
  #wasTold: boolean
  #cancelReaping: (() => void) | undefined
  #cancelSync: (() => void) | undefined

  /** Runs from now on; `wasTold` as below, of the status in the draft. */
  constructor(world: CheckWorld, definition: RequestedCheck, draft: CheckDraft, wasTold: boolean) {
    this.#world = world
    this.definition = definition
    this.#draft = draft
    this.#wasTold = wasTold
    this.#runner = this.#start(definition)
  }

  /** As the agent knows it; in the catalog the output may be older. */
  get draft(): CheckDraft {
    return this.#draft
  }

  get isTold(): boolean {
    return this.definition.method.kind === 'ttl'
  }

  /** Whether its status is what somebody told: what it was only registered with doesn't outlast its agent. */
  get wasTold(): boolean {
    return this.#wasTold
  }

  /** Somebody tells how it is. */
  tell(result: CheckOutcome): void {
    this.#wasTold = true
    this.#runner.told(result.output)
    this.#take(result)
  }

  stop(): void {
    this.#runner.stop()
    this.#cancelReaping?.()
    this.#cancelSync?.()
  }

  #start(definition: RequestedCheck): CheckRunner {
    const { clock, probe } = this.#world
    const { method } = definition
    const take = (result: CheckOutcome) => this.#take(result)
    if (method.kind === 'ttl') return ttlRunner(clock, method.ttlMs, take)
    return probeRunner(clock, definition, method, probe, take)
  }

  #take({ status, output }: CheckOutcome): void {
    this.#noteCritical(status)
    const before = this.#draft
    if (before.Status === status && before.Output === output) return
    this.#draft = { ...before, Status: status, Output: output }
    if (before.Status !== status) this.#sync()
    else
      this.#cancelSync ??= this.#world.clock.after(OUTPUT_UPDATE_MS * (0.5 + this.#world.random()), () => this.#sync())
  }

  #sync(): void {
    this.#cancelSync?.()
    this.#cancelSync = undefined
    this.#world.sync(this)
  }

  #noteCritical(status: Health): void {
    const { deregisterAfterMs } = this.definition
    if (status !== 'critical') {
      this.#cancelReaping?.()
      this.#cancelReaping = undefined
    } else if (deregisterAfterMs > 0) {
      const { clock, random, reap } = this.#world
      this.#cancelReaping ??= clock.after(deregisterAfterMs + REAP_EVERY_MS * random(), () => reap(this))
    }
  }
}
