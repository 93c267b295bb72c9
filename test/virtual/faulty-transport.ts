import { unlessAborted } from '../../src/base/abort.ts'
import type { Clock } from '../../src/base/clock.ts'
import { Failure } from '../../src/base/failure.ts'
import type { Transport, WireReply, WireRequest } from '../../src/consul/wire.ts'

/**
 * What goes wrong with one request:
 * - `refused`: no connection; nothing reached the agent
 * - `black-hole`: nothing reached the agent, and nothing ever comes back
 * - `reply-lost`: it had its effect, and nothing ever comes back
 * - `cut`: it had its effect, and the connection breaks before the reply is whole
 * - `answered`: something else than the agent answers (500, 429, a proxy's garbage), without any effect
 * - `masked`: it had its effect, but that something answers instead of the agent
 */
export type TransportFault =
  | { readonly kind: 'refused' | 'black-hole' | 'reply-lost' | 'cut' }
  | { readonly kind: 'answered' | 'masked'; readonly reply: WireReply }

/** What the wire does to one request; delays in milliseconds, of what goes out and of what comes back. */
export interface WireFate {
  readonly outMs?: number
  readonly backMs?: number
  readonly fault?: TransportFault
}

/** Decides on each request, at the instant in which it is sent. */
export type Policy = (request: WireRequest) => WireFate

/** The same for all requests to these paths, and nothing to the others. */
export function on(path: string, fate: WireFate): Policy {
  return (request) => (request.path.startsWith(path) ? fate : {})
}

/** Some other answer than the agent's, for `answered` and `masked`. */
export function strangeReply(status: number, text: string): WireReply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, text }
}

/**
 * A transport with a wire in between that delays, loses and breaks. A request that is on its way arrives and has its
 * effect even though its sender has given up meanwhile, as with real ones. Blocking reads alone are withdrawn then.
 */
export class FaultyTransport implements Transport {
  readonly #inner: Transport
  readonly #clock: Clock
  readonly #policy: Policy

  constructor(inner: Transport, clock: Clock, policy: Policy) {
    this.#inner = inner
    this.#clock = clock
    this.#policy = policy
  }

  send(request: WireRequest, signal: AbortSignal): Promise<WireReply> {
    if (signal.aborted) return Promise.reject(signal.reason)
    const fate = this.#policy(request)
    if (fate.fault === undefined && !fate.outMs && !fate.backMs) return this.#inner.send(request, signal)
    return unlessAborted(signal, this.#carry(request, fate, signal))
  }

  close(): void {
    this.#inner.close()
  }

  async #carry(
    request: WireRequest,
    { outMs = 0, backMs = 0, fault }: WireFate,
    signal: AbortSignal,
  ): Promise<WireReply> {
    await this.#delay(outMs)
    if (fault?.kind === 'refused') throw new Failure('unreachable', "Consul can't be reached: connection refused")
    if (fault?.kind === 'black-hole') return never()
    if (fault?.kind === 'answered') {
      await this.#delay(backMs)
      return fault.reply
    }
    const reply = await this.#inner.send(request, request.longPoll ? signal : NEVER_ABORTED)
    if (fault?.kind === 'reply-lost') return never()
    await this.#delay(backMs)
    if (fault?.kind === 'cut') throw new Failure('unreachable', 'the connection was closed without an answer')
    return fault?.kind === 'masked' ? fault.reply : reply
  }

  #delay(ms: number): Promise<void> | undefined {
    if (ms <= 0) return undefined
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve)
    })
  }
}

const NEVER_ABORTED = new AbortController().signal

function never(): Promise<never> {
  return new Promise(() => {})
}
