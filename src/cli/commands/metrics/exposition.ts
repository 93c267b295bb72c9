import { withTimeout } from '../../../base/abort.ts'
import type { Instant } from '../../../base/clock.ts'
import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { gauge, type Metric, prometheusText } from '../../../base/prometheus.ts'

/** Prometheus gives a scrape 10 s by default. */
const READING_MS = 8000
/** What was read is good for as long. */
const FRESH_MS = 1000

const PREFIX = 'consul_locker'

/** Reads what is to be told. Rejects with a `Failure`. */
export type ReadMetrics = (ctx: Context) => Promise<readonly Metric[]>

/** What scrapes get: one reading for all that ask within a second, and word of it when Consul can't be read. */
export class Exposition {
  readonly #ctx: Context
  readonly #read: ReadMetrics
  #reading: Promise<string> | undefined
  #readAt: Instant | undefined
  #failures = 0
  #isFailing = false

  /** Reads under this context, however soon whoever asked goes away. */
  constructor(ctx: Context, read: ReadMetrics) {
    this.#ctx = ctx
    this.#read = read
  }

  /** Settles with the text for Prometheus. Rejects with the reason of the context's signal alone. */
  text(): Promise<string> {
    const { clock } = this.#ctx
    const isFresh = this.#readAt === undefined || clock.since(this.#readAt) < FRESH_MS
    if (this.#reading && isFresh) return this.#reading
    this.#readAt = undefined
    this.#reading = this.#readAnew().finally(() => {
      this.#readAt = clock.now()
    })
    return this.#reading
  }

  async #readAnew(): Promise<string> {
    const { clock } = this.#ctx
    const begun = clock.now()
    const metrics = await this.#metrics()
    const tookS = clock.since(begun) / 1000
    return prometheusText([
      gauge(`${PREFIX}_up`, 'Whether Consul could be read', [{ value: Number(metrics !== undefined) }]),
      {
        name: `${PREFIX}_read_failures_total`,
        type: 'counter',
        help: 'Times that Consul could not be read',
        samples: [{ value: this.#failures }],
      },
      gauge(`${PREFIX}_read_duration_seconds`, 'How long Consul took to be read', [{ value: tookS }]),
      ...(metrics ?? []),
    ])
  }

  async #metrics(): Promise<readonly Metric[] | undefined> {
    const late = () => new Failure('unreachable', 'Consul took too long to be read')
    try {
      const metrics = await withTimeout(this.#ctx, READING_MS, late, this.#read)
      if (this.#isFailing) this.#ctx.log.notice('Consul can be read again')
      this.#isFailing = false
      return metrics
    } catch (thrown) {
      this.#ctx.signal.throwIfAborted()
      if (!(thrown instanceof Failure)) throw thrown
      this.#failures += 1
      if (!this.#isFailing) this.#ctx.log.warn(`Consul can't be read, and scrapes are told so: ${thrown.message}`)
      this.#isFailing = true
      return undefined
    }
  }
}
