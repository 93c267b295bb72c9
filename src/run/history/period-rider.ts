import assert from 'node:assert'
import type { Context } from '../../base/context.ts'
import { formatDuration } from '../../base/duration.ts'
import { Failure } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import { type Entry, readKey } from '../../consul/kv.ts'
import type { RetryPolicy } from '../../consul/retry.ts'
import type { TxnOp } from '../../consul/txn.ts'
import type { LockSpec } from '../../lock/acquire-options.ts'
import type { Advice, Attempt } from '../../lock/rider.ts'
import { ago, describeEnd } from './describe-run.ts'
import { dueAt, type Period } from './period.ts'
import {
  encodeRuns,
  hasEnded,
  type PeriodRuns,
  parseRuns,
  type RunEntry,
  type RunsRecord,
  withPeriodStart,
} from './runs-record.ts'
import { type RecordedRun, RunsRider } from './runs-rider.ts'
import { runIn } from './unended-runs.ts'

/**
 * Lets a command run once in a period. Whoever comes reads when it ran last. If it is due, its start is recorded in the
 * very transaction that takes the lock, on condition that the record is still as it was read: of many who come at once
 * one gets both, and the others read again. Who holds the lock and never started the command takes its start back.
 */
export class PeriodRider extends RunsRider {
  readonly #consul: Consul
  /** The lock's, for people. */
  readonly #name: string
  readonly #period: Period
  /** The record as it was read last; none when it is to be read anew. */
  #reading: { readonly entry: Entry | undefined; readonly record: RunsRecord } | undefined
  /** What counted before this run's own start did. */
  #earlier: PeriodRuns | undefined
  /** The record as our claim writes it. */
  #written = ''

  constructor(consul: Consul, name: string, run: RecordedRun, period: Period) {
    super(run)
    this.#consul = consul
    this.#name = name
    this.#period = period
  }

  async prepare(ctx: Context, { isOurs }: Attempt, retrying: RetryPolicy): Promise<Advice> {
    if (isOurs) return 'go'
    const read = async (key: string) => (await retrying(ctx, () => readKey(ctx, this.#consul, key))).entry
    for (let isSure = false; ; isSure = true) {
      this.#reading ??= this.#judged(await read(this.key))
      const { period } = this.#reading.record
      if (period?.last?.runId !== this.run.runId) this.#earlier = period
      const nowMs = ctx.clock.now().wallMs
      const due = dueAt(this.#period, period, this.run.runId, nowMs)
      if (due.kind === 'due') return 'go'
      if (due.kind === 'ahead') throw this.#clockFailure(due.run, due.byMs)
      const isRunning = !hasEnded(due.run) && isHeldBy(await read(this.run.lockKey), due.run)
      if (isRunning || isSure || hasEnded(due.run)) {
        this.#tell(ctx, due.run, isRunning, due.why)
        return 'skipped'
      }
      // It has ended since, or nobody knows how.
      this.#reading = undefined
    }
  }

  #tell(ctx: Context, run: RunEntry, isRunning: boolean, why: string): void {
    const start = `${run.host} started it ${ago(Date.parse(run.start), ctx.clock.now().wallMs)}`
    ctx.log.notice(`${this.#name} is skipped: ${start} (${isRunning ? 'it still runs' : describeEnd(run)}); ${why}`)
  }

  override claiming(attempt: Attempt): readonly TxnOp[] {
    const reading = super.claiming(attempt)
    if (attempt.isOurs || !this.#reading) return reading
    const { entry, record } = this.#reading
    const value = encodeRuns({ ...record, period: withPeriodStart(record.period, this.start()) })
    // If it is ours without our learning of it, this is what stands there.
    this.stands(value)
    this.#written = value
    return [{ verb: 'cas', key: this.key, value, index: entry?.modifyIndex ?? 0 }]
  }

  refused(): void {
    this.#reading = undefined
  }

  override granted(entries: readonly Entry[]): void {
    super.granted(entries)
    // The reply to a write comes without its value.
    if (!entries.some(({ key, value }) => key === this.key && value !== '')) this.stands(this.#written)
  }

  protected override after(record: RunsRecord): RunsRecord {
    if (this.hasEnded) return super.after(record)
    const { period: _, ...others } = super.after(record)
    return { ...others, ...(this.#earlier && { period: this.#earlier }) }
  }

  #judged(entry: Entry | undefined) {
    const record = parseRuns(entry?.value ?? '')
    if (record !== 'unreadable') return { entry, record }
    throw new Failure('usage', `what stands at ${this.key} is no record of runs: nobody knows when ${this.#name} ran`, {
      hint: `if nobody needs it: consul kv delete ${this.key}`,
    })
  }

  #clockFailure({ host, start }: RunEntry, byMs: number): Failure {
    const ahead = formatDuration(byMs)
    return new Failure('usage', `${host} ran ${this.#name} at ${start}, ${ahead} from now: a clock is wrong`, {
      hint: `set it right; if it was that of ${host}, forget the record: consul kv delete ${this.key}`,
    })
  }
}

function isHeldBy(entry: Entry | undefined, { runId }: RunEntry): boolean {
  return entry?.session !== undefined && runIn(entry.value)?.runId === runId
}

/** The same run or lock, once in a period. */
export function inPeriod<T extends { readonly lock: LockSpec; readonly history?: RunsRider }>(
  consul: Consul,
  spec: T,
  period: Period,
): T {
  assert(spec.history, "a period is a matter of the lock's history")
  const rider = new PeriodRider(consul, spec.lock.name, spec.history.run, period)
  const riders = spec.lock.riders?.map((one) => (one === spec.history ? rider : one)) ?? [rider]
  return { ...spec, lock: { ...spec.lock, riders }, history: rider }
}
