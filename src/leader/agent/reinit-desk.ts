import type { Context } from '../../base/context.ts'
import { Failure, messageOf } from '../../base/failure.ts'
import { quiet } from '../../base/quiet-log.ts'
import { compareAndSet } from '../../consul/compare-and-set.ts'
import type { Consul } from '../../consul/consul.ts'
import { Retry } from '../../consul/retry.ts'
import { storedAs } from '../../consul/stored-value.ts'
import type { CallResult } from '../application/application.ts'
import { REINIT_REQUEST, type ReinitRequest } from '../cluster/reinit-request.ts'

/** Where requests for a node to take the master's data are taken, and what has become of them is told. */
export interface ReinitDesk {
  /** What is to be done about the request that stands at Consul: its id, or nothing. */
  pending(request: ReinitRequest | undefined): string | undefined
  began(): void
  /** `undefined`: it was interrupted, and will be done anew. */
  ended(end: CallResult | undefined): void
}

/** The last request that was met, which outlives an agent that is killed before it can tell Consul. */
export interface ReinitMemory {
  read(): string | undefined
  write(id: string): void
}

/**
 * The desk of one node. What was met is remembered here before Consul is told: otherwise an agent that is killed in
 * between would do it twice.
 */
export class ConsulReinitDesk implements ReinitDesk {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #key: string
  readonly #memory: ReinitMemory
  /** Those that are over for us, whatever Consul says. */
  readonly #settled = new Set<string>()
  #current: string | undefined
  #written: Promise<void> = Promise.resolve()

  constructor(ctx: Context, consul: Consul, key: string, memory: ReinitMemory) {
    this.#ctx = ctx
    this.#consul = consul
    this.#key = key
    this.#memory = memory
  }

  pending(request: ReinitRequest | undefined): string | undefined {
    this.#current = undefined
    if (!request || request.state === 'failed' || this.#settled.has(request.id)) return undefined
    if (request.id === this.#memory.read()) {
      this.#settled.add(request.id)
      this.#change(request.id, () => undefined)
      return undefined
    }
    this.#current = request.id
    return request.id
  }

  began(): void {
    const since = new Date(this.#ctx.clock.now().wallMs).toISOString()
    if (this.#current) this.#change(this.#current, ({ id, by, at }) => ({ id, by, at, state: 'running', since }))
  }

  ended(end: CallResult | undefined): void {
    const id = this.#current
    if (id === undefined) return
    if (end === undefined) {
      this.#change(id, ({ id, by, at }) => ({ id, by, at }))
      return
    }
    this.#settled.add(id)
    const since = new Date(this.#ctx.clock.now().wallMs).toISOString()
    if (end.ok) this.#memory.write(id)
    this.#change(id, ({ id, by, at }) =>
      end.ok ? undefined : { id, by, at, state: 'failed', since, message: end.message.slice(0, 1000) },
    )
  }

  /** Changes the request of this id, or takes it away; in order, as long as it takes, and nobody waits for it. */
  #change(id: string, change: (request: ReinitRequest) => ReinitRequest | undefined): void {
    const ctx = quiet(this.#ctx)
    const write = () =>
      compareAndSet(ctx, this.#consul, this.#key, (entry) => {
        const request = storedAs(REINIT_REQUEST, entry?.value ?? '')
        if (request?.id !== id) return 'keep'
        const after = change(request)
        return after === undefined ? 'delete' : { value: JSON.stringify(after) }
      })
    this.#written = this.#written
      .then(() => new Retry(this.#consul).until(ctx, write))
      .then(
        () => {},
        (thrown: unknown) => {
          if (!(thrown instanceof Failure) && !this.#ctx.signal.aborted) throw thrown
          this.#ctx.log.warn(`what became of the reinit can't be told: ${messageOf(thrown)}`)
        },
      )
  }
}

/** For who has no way to ask. */
export const NO_REINIT: ReinitDesk = { pending: () => undefined, began() {}, ended() {} }
