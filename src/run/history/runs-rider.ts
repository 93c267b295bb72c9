import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import type { Consul } from '../../consul/consul.ts'
import { type Entry, readKey } from '../../consul/kv.ts'
import type { TxnOp } from '../../consul/txn.ts'
import type { Holder } from '../../lock/holder-record.ts'
import type { Attempt, Rider } from '../../lock/rider.ts'
import type { RunResult } from '../run-outcome.ts'
import { endOf } from './run-end.ts'
import { encodeRuns, parseRuns, type RunEntry, type RunsRecord, runsKey, withRuns } from './runs-record.ts'
import { runEntry, unendedRuns } from './unended-runs.ts'

/** The run whose lock it is. */
export interface RecordedRun {
  readonly lockKey: string
  readonly runId: string
  /** Several hold it at a time, and each writes in its turn. */
  readonly isShared?: boolean
  /** Asked when the lock is. */
  readonly who: () => Pick<Holder, 'host' | 'user' | 'command'>
}

/**
 * Keeps the history of a lock's runs. The claim's own transaction reads it, the release's writes it, so it costs
 * neither a request nor a write. Only who holds the lock writes, and proves in that transaction that it does: nobody's
 * entry is lost. Where several hold it, each reads it anew before its release, which fails when another one was faster.
 * A token that may not read it sees none; one that may not write it releases without (`releaseKey`).
 */
export class RunsRider implements Rider {
  readonly key: string
  readonly run: RecordedRun
  /** The record as it stands since our claim; `undefined` as long as that isn't known, or when it is none of ours. */
  protected standing: RunsRecord | undefined
  #startMs = 0
  #unended: readonly RunEntry[] = []
  #ended: RunEntry | undefined

  constructor(run: RecordedRun) {
    this.key = runsKey(run.lockKey)
    this.run = run
  }

  claiming({ seen, isOurs, nowMs }: Attempt): readonly TxnOp[] {
    if (!isOurs) {
      this.#startMs = nowMs
      this.standing = undefined
    }
    if (!isOurs || seen) this.#unended = unendedRuns(seen, this.run)
    // Unlike `get` it doesn't fail when there is no such key, nor for want of rights.
    return [{ verb: 'get-tree', key: this.key }]
  }

  handed(nowMs: number): readonly TxnOp[] {
    return this.claiming({ seen: undefined, isOurs: false, nowMs })
  }

  granted(entries: readonly Entry[]): void {
    this.stands(entries.findLast(({ key }) => key === this.key)?.value ?? '')
  }

  /** The run is over: its outcome is to be written by the release. */
  ended({ outcome, fence, waitedMs, ranMs }: RunResult): void {
    const measured = { ranMs, waitedMs, fence }
    this.#ended = { ...this.start(), ...defined(measured), ...endOf(outcome) }
  }

  async beforeReleasing(ctx: Context, consul: Consul): Promise<void> {
    if (!this.run.isShared || this.standing === undefined) return
    try {
      const { entry } = await readKey(ctx, consul, this.key, { consistent: true })
      this.stands(entry?.value ?? '')
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.code !== 'refused') throw thrown
      this.standing = undefined
    }
  }

  releasing(): readonly TxnOp[] {
    if (this.standing === undefined) return []
    const next = this.after(this.standing)
    return next === this.standing ? [] : [{ verb: 'set', key: this.key, value: encodeRuns(next) }]
  }

  /** The record as the release is to leave it. */
  protected after(record: RunsRecord): RunsRecord {
    const added = [...this.#unended, ...(this.#ended ? [this.#ended] : [])]
    return added.length === 0 ? record : withRuns(record, added)
  }

  protected stands(value: string): void {
    const record = parseRuns(value)
    this.standing = record === 'unreadable' ? undefined : record
  }

  protected get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  /** This run, from the claim that is being made. */
  protected start(): RunEntry {
    const { runId, who } = this.run
    return runEntry({ ...who(), runId }, new Date(this.#startMs).toISOString())
  }
}

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>
}
