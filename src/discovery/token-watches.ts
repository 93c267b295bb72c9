import { AbortReason, type Scope, scope } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { under } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey } from '../consul/kv.ts'
import { parseTokenRecord, type TokenRecord } from './token-list.ts'

/** An agent takes so many more connections of one client than these, by its own default. */
const MAX_WATCHES = 64

interface Watch {
  readonly work: Scope
  record: TokenRecord
  modifyIndex: number
  /** Asked for since the blocking query began. */
  isWanted: boolean
}

/**
 * What stands at the keys that are asked for again and again. A key is read once, and then a blocking query keeps what
 * was read fresh: as long as that query works and someone asks, answers cost Consul nothing. They may be behind by what
 * a change takes to get here.
 */
export class TokenWatches {
  readonly #ctx: Context
  readonly #consul: Consul
  /** In the order in which they began. */
  readonly #watches = new Map<string, Watch>()

  /** The watches end when the context's signal aborts. */
  constructor(ctx: Context, consul: Consul) {
    this.#ctx = ctx
    this.#consul = consul
  }

  /** What stands at a key; `undefined` when it isn't there. */
  async read(ctx: Context, key: string): Promise<TokenRecord | undefined> {
    const watch = this.#watches.get(key)
    if (watch) {
      watch.isWanted = true
      return watch.record
    }
    const { entry, index } = await readKey(ctx, this.#consul, key, { consistent: true })
    if (!entry) return undefined
    const record = parseTokenRecord(key, entry.value)
    if (!this.#watches.has(key)) void this.#keepFresh(key, record, entry.modifyIndex, index)
    return record
  }

  /** Takes in what we have written ourselves: who has published sees it at once. */
  wrote(key: string, record: TokenRecord, modifyIndex: number): void {
    const watch = this.#watches.get(key)
    if (watch && modifyIndex > watch.modifyIndex) Object.assign(watch, { record, modifyIndex })
  }

  /** The key is to be read anew. */
  forget(key: string): void {
    this.#watches.get(key)?.work.abort(new AbortReason('what stands there has changed'))
    this.#watches.delete(key)
  }

  async #keepFresh(key: string, record: TokenRecord, modifyIndex: number, from: number): Promise<void> {
    if (this.#watches.size >= MAX_WATCHES && !this.#makeRoom()) return
    using work = scope(this.#ctx.signal)
    const watch: Watch = { work, record, modifyIndex, isWanted: false }
    this.#watches.set(key, watch)
    try {
      await this.#follow(under(this.#ctx, work.signal), key, watch, from)
    } catch (thrown) {
      if (!work.signal.aborted && !(thrown instanceof Failure)) throw thrown
      this.#ctx.log.debug(`${key} is not watched any more: ${messageOf(thrown)}`)
    } finally {
      if (this.#watches.get(key) === watch) this.#watches.delete(key)
    }
  }

  /** Settles when the key is gone, or nobody has asked for it for the length of a blocking query. */
  async #follow(ctx: Context, key: string, watch: Watch, from: number): Promise<void> {
    const query = new BlockingQuery((ctx, from) => readKey(ctx, this.#consul, key, from), from)
    for (let index = from; ; ) {
      const reading = await query.next(ctx)
      if (!reading.entry || !this.#takeIn(key, watch, reading.entry)) return
      if (reading.index === index && !watch.isWanted) return
      watch.isWanted = false
      index = reading.index
    }
  }

  /** Settles with `false` when Consul has gone back in time, by a snapshot. */
  #takeIn(key: string, watch: Watch, { value, modifyIndex }: Entry): boolean {
    if (modifyIndex < watch.modifyIndex) return false
    watch.record = parseTokenRecord(key, value)
    watch.modifyIndex = modifyIndex
    return true
  }

  /** Lets a watch go that nobody has asked for lately. */
  #makeRoom(): boolean {
    const unwanted = [...this.#watches].find(([, { isWanted }]) => !isWanted)
    if (unwanted) this.forget(unwanted[0])
    return unwanted !== undefined
  }
}
