import { AbortReason, unlessAborted, withTimeout } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { deliver, type Ping } from './ping-delivery.ts'
import type { RunObserver } from './run-observer.ts'
import type { RunResult } from './run-outcome.ts'

/** What is pinged, and what about. */
export interface PingPlan {
  readonly url: URL
  /** Tells the pings of this run from those of others that run at the same time; a UUID. */
  readonly runId: string
  /** The exit code of a run that ended so. */
  readonly codeOf: (end: RunResult | Failure) => number
  /** The last of what the command wrote, as far as that is known. */
  readonly output: (ctx: Context) => Promise<string>
}

/** So long the end of a run waits for its ping to arrive. */
const END_MS = 15_000
/** So much of the output is sent; healthchecks keeps no more of a body by default (its PING_BODY_LIMIT). */
export const BODY_BYTES = 10_000

const RUN_OVER = new AbortReason('the run is over')
const TOO_LATE = new AbortReason('the time for the last ping is over')

/** Where runs are pinged to. Throws a `usage` failure, without the URL in it: whoever knows that may ping. */
export function pingUrl(text: string): URL {
  const url = URL.parse(text)
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new Failure('usage', '--ping is given no URL of a web server', {
    hint: 'as in --ping https://hc-ping.com/<uuid>',
  })
}

/**
 * Pings a dead man's switch by healthchecks' protocol (https://healthchecks.io/docs/http_api/): that the run has its
 * lock, and later its exit code with the last of its output. A run that never has the lock doesn't ping: who has it
 * does. A ping is tried again until it arrives, for a bounded time at the run's end, and is never held against the run.
 */
export class RunPing implements RunObserver {
  readonly #ctx: Context
  readonly #plan: PingPlan
  readonly #isOver = new AbortController()
  #started: Promise<void> | undefined
  #end: RunResult | Failure | undefined
  #bodyBytes = BODY_BYTES

  constructor(ctx: Context, plan: PingPlan) {
    this.#ctx = ctx
    this.#plan = plan
  }

  acquired(): void {
    this.#started = this.#start()
  }

  finished(end: RunResult | Failure): void {
    if (this.#started) this.#end = end
  }

  /** Somebody who wants us to leave ends it, as its time does: what the run came to is settled. */
  async settled(ctx: Context): Promise<void> {
    const end = this.#end
    if (end === undefined) return
    let why = 'no answer'
    const onTrouble = (trouble: string) => {
      why = trouble
    }
    const arrives = async (ctx: Context): Promise<boolean> => {
      // A start that arrived behind the end would begin another run, so its last try comes first.
      this.#isOver.abort(RUN_OVER)
      await unlessAborted(ctx.signal, this.#started ?? Promise.resolve())
      return (await deliver(ctx, await this.#endOf(ctx, end), onTrouble)) !== undefined
    }
    const hasArrived = await withTimeout(ctx, END_MS, () => TOO_LATE, arrives).catch((thrown: unknown) => {
      if (thrown instanceof AbortReason) return false
      throw thrown
    })
    if (!hasArrived) this.#warn('end', why)
  }

  /** Warns of the first trouble only. */
  async #start(): Promise<void> {
    let warn = (why: string) => {
      warn = () => {}
      this.#warn('start', why)
    }
    const ping = { url: this.#urlOf('start'), body: '' }
    const answer = await deliver(this.#ctx, ping, (why) => warn(why), this.#isOver.signal)
    const limit = Number(answer?.headers['ping-body-limit']?.[0] ?? BODY_BYTES)
    if (limit >= 0) this.#bodyBytes = Math.min(limit, BODY_BYTES)
  }

  async #endOf(ctx: Context, end: RunResult | Failure): Promise<Ping> {
    const { codeOf, output } = this.#plan
    const body = [await output(ctx), whyItEnded(end)].filter((part) => part !== '').join('\n')
    return { url: this.#urlOf(String(codeOf(end))), body: lastOf(body, this.#bodyBytes) }
  }

  /** Only where it goes: the rest of the URL is the secret. */
  #warn(phase: string, why: string): void {
    this.#ctx.log.warn(`the ping of the run's ${phase} doesn't reach ${this.#plan.url.origin}: ${why}`)
  }

  #urlOf(ending: string): URL {
    const { url, runId } = this.#plan
    const full = new URL(url)
    full.pathname = `${url.pathname.replace(/\/+$/, '')}/${ending}`
    full.searchParams.set('rid', runId)
    full.hash = ''
    return full
  }
}

/** What the exit code alone doesn't say. */
function whyItEnded(end: RunResult | Failure): string {
  if (end instanceof Failure) return `consul-locker: ${end.message}`
  return end.outcome.kind === 'lost' ? `consul-locker: the lock was lost: ${end.outcome.loss.sentence}` : ''
}

/** So many bytes of a text at most, the last ones, and no half of a character. */
function lastOf(text: string, bytes: number): string {
  const all = Buffer.from(text)
  let from = Math.max(0, all.length - bytes)
  while (((all[from] ?? 0) & 0xc0) === 0x80) from += 1
  return all.subarray(from).toString('utf8')
}
