import type { Clock } from '../../src/base/clock.ts'
import type { Transport } from '../../src/consul/wire.ts'

/** Requests whose answers tell that a session lives. */
const CONFIRMS = /^\/v1\/session\/(?:create|renew|list)\b/
const ID = /"ID":\s*"([^"]+)"/g

/**
 * Sees which answers a runner gets, and knows since when each of its sessions may be counted on: since the sending of
 * the newest request that confirmed it. It is none of the code that it judges.
 */
export class LeaseWitness {
  readonly #clock: Clock
  readonly #since = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For how long a session has not been confirmed, in milliseconds of the machine's own time. */
  unconfirmedMs(session: string): number {
    return this.#nowMs() - (this.#since.get(session) ?? Number.NEGATIVE_INFINITY)
  }

  /** The same transport, with the witness where answers arrive. */
  over(transport: Transport): Transport {
    return {
      send: async (request, signal) => {
        const sentMs = this.#nowMs()
        const reply = await transport.send(request, signal)
        if (CONFIRMS.test(request.path)) for (const [, id = ''] of reply.text.matchAll(ID)) this.#confirm(id, sentMs)
        return reply
      },
      close: () => transport.close(),
    }
  }

  #confirm(session: string, sentMs: number): void {
    this.#since.set(session, Math.max(sentMs, this.#since.get(session) ?? sentMs))
  }

  #nowMs(): number {
    return this.#clock.now().monotonicMs
  }
}
