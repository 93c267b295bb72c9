import { sleep, withAbortGrace } from '../base/abort.ts'
import { Backoff } from '../base/backoff.ts'
import type { Context } from '../base/context.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import { type Consul, REQUEST_TIMEOUT_MS } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import { Retry, type RetryPolicy } from '../consul/retry.ts'
import { withWaitLimit } from '../consul/wait-limit.ts'
import { LeaseAge } from './lease-age.ts'
import { claimLease } from './lease-claim.ts'
import { describeLease, type LeaseRecord, leaseKey, parseLease } from './lease-record.ts'
import { releaseLease } from './lease-release.ts'

/** Who wants a lease, and for how long. */
export interface LeaseRequest {
  readonly label: string
  readonly serviceId: string
  readonly host: string
  /** The lease ends after this time by itself, in milliseconds. */
  readonly leaseMs: number
  /** How long to wait for it, in milliseconds; 0 tries once. */
  readonly acquireMs: number
}

/** We have the lease, anew or once more; or another one kept it until our time was over. */
export type AcquireEnd =
  | { readonly kind: 'acquired' | 'again' }
  | { readonly kind: 'busy'; readonly holder: LeaseRecord | undefined }

const SAY_AGAIN_MS = 60_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2000
/** What an interrupted attempt is given to learn of its effect. */
const LINGER_MS = 3000

/**
 * Waits for the start-up lease of a label and takes it. It is left to the service that starts then: it ends when the
 * monitor sees that service healthy, when it is released, or by itself. The same id takes it again at once, and its
 * time begins anew.
 *
 * Two clocks end a lease that nobody ends. Consul's: a session that is never renewed, of half the lease's length, for
 * Consul destroys a session at twice its TTL; it holds for all who come late. And that of each contender: an entry that
 * it has seen unchanged for the lease's length, by its own monotonic clock, is over. That one is right also for leases
 * below 20 s, shorter than Consul's sessions, and after an election, which starts the time of all sessions anew. No
 * machine's idea of the time of day is trusted.
 *
 * Rejects with a `Failure`, or with the signal's reason; we don't have the lease then, if Consul could be told.
 */
export async function acquireLease(ctx: Context, consul: Consul, request: LeaseRequest): Promise<AcquireEnd> {
  const { acquireMs } = request
  const retry = new Retry(consul, { waitMs: acquireMs })
  const retrying: RetryPolicy = (ctx, task) => (acquireMs > 0 ? retry.until(ctx, task) : task())
  const limitMs = acquireMs > 0 ? acquireMs : REQUEST_TIMEOUT_MS
  return withWaitLimit<AcquireEnd>(ctx, consul, limitMs, retry, (ctx, saw) =>
    acquire(ctx, consul, request, { retrying, saw }),
  )
}

/** How a wait goes on through trouble, and who hears how it would end now. */
interface Wait {
  readonly retrying: RetryPolicy
  readonly saw: (end: AcquireEnd) => void
}

async function acquire(
  ctx: Context,
  consul: Consul,
  request: LeaseRequest,
  { retrying, saw }: Wait,
): Promise<AcquireEnd> {
  const begun = ctx.clock.now()
  const leftMs = () => request.acquireMs - ctx.clock.since(begun)
  const key = leaseKey(request.label)
  const age = new LeaseAge(ctx.clock, request.leaseMs)
  const reporter = new LeaseWaitReporter(ctx, request.label)
  const backoff = new Backoff(ctx.random, FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
  const query = new BlockingQuery((ctx, from) => readKey(ctx, consul, key, { ...from, consistent: true }))
  let waitMs = 0
  for (;;) {
    const { entry } = await retrying(ctx, () => query.next(ctx, waitMs))
    const holder = entry && parseLease(entry.value)
    saw({ kind: 'busy', holder })
    const again = holder?.serviceId === request.serviceId
    const overdueInMs = entry?.session ? age.overdueInMs(entry) : 0
    if (again || overdueInMs <= 0) {
      if (await retrying(ctx, () => take(ctx, consul, request, entry))) return { kind: again ? 'again' : 'acquired' }
      query.restart()
      // Somebody was faster; or Consul keeps the key closed for somebody else's session, which nothing shows.
      await sleep(ctx, backoff.next())
      continue
    }
    backoff.reset()
    if (leftMs() <= 0) return { kind: 'busy', holder }
    reporter.heldBy(entry?.session, holder)
    waitMs = Math.min(overdueInMs, leftMs())
  }
}

/** An interruption waits until the attempt's effect is known, and undoes it. */
async function take(ctx: Context, consul: Consul, request: LeaseRequest, before: Entry | undefined): Promise<boolean> {
  const { label, serviceId, host, leaseMs } = request
  const record = { serviceId, host, since: new Date(ctx.clock.now().wallMs).toISOString(), leaseMs }
  return withAbortGrace(ctx, LINGER_MS, async (lingerer) => {
    const isOurs = await claimLease(lingerer, consul, label, record, before)
    if (isOurs && ctx.signal.aborted) await releaseLease(lingerer, consul, label, serviceId)
    ctx.signal.throwIfAborted()
    return isOurs
  })
}

/** Tells people whom we wait for: at once, when the lease changes hands, and once a minute. */
class LeaseWaitReporter {
  readonly #ctx: Context
  readonly #label: string
  #reported: { readonly atMs: number; readonly of: string | undefined } | undefined

  constructor(ctx: Context, label: string) {
    this.#ctx = ctx
    this.#label = label
  }

  heldBy(session: string | undefined, holder: LeaseRecord | undefined): void {
    const { monotonicMs, wallMs } = this.#ctx.clock.now()
    const reported = this.#reported
    if (reported && reported.of === session && monotonicMs - reported.atMs < SAY_AGAIN_MS) return
    this.#reported = { atMs: monotonicMs, of: session }
    this.#ctx.log.notice(`waiting for the start-up lease of ${this.#label}: ${describeLease(holder, wallMs)}`)
  }
}
