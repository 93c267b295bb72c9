import { unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { compareAndSet } from '../consul/compare-and-set.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey, readKeys } from '../consul/kv.ts'
import { transact } from '../consul/txn.ts'
import { Publications, type TokenChange } from './publications.ts'
import { syncCatalog } from './token-catalog.ts'
import {
  newTokenRecord,
  parseTokenRecord,
  type TokenList,
  type TokenRecord,
  tokenRecordText,
  unexpired,
} from './token-list.ts'
import { TokenWatches } from './token-watches.ts'

const FOLDER = 'discovery/'
/** So often is a change tried that others keep overtaking. */
const ATTEMPTS = 20
/** No more tokens are made when there are so many. All of them must fit into one of Consul's answers. */
const MAX_TOKENS = 20_000
/** A token under which nothing was published for so long is forgotten. */
const UNUSED_MS = 7 * 24 * 3_600_000

/**
 * All discovery tokens, in Consul: what is kept of each at `discovery/<token>`, and its servers in the catalog. Every
 * change is conditional on what was read, so that any number of servers may keep the same store.
 */
export class TokenStore {
  readonly #consul: Consul
  readonly #expireMs: number
  readonly #watches: TokenWatches
  readonly #publications: Publications
  #tokens = 0

  /** What is published is forgotten after `expireMs`, by the wall clocks of those who serve. */
  constructor(ctx: Context, consul: Consul, expireMs: number) {
    this.#consul = consul
    this.#expireMs = expireMs
    this.#watches = new TokenWatches(ctx, consul)
    this.#publications = new Publications(ctx, (ctx, token, change) => this.#publish(ctx, token, change))
  }

  /** Makes a token under which nothing is published. */
  async create(ctx: Context): Promise<string> {
    if (this.#tokens >= MAX_TOKENS)
      throw new Failure(
        'precondition',
        `there are ${this.#tokens} tokens, and that is enough until one is unused for a week`,
      )
    const token = randomId().replaceAll('-', '')
    const key = keyOf(token)
    const value = tokenRecordText(newTokenRecord(new Map(), undefined, now(ctx)))
    const { done } = await transact(ctx, this.#consul, [
      { verb: 'check-not-exists', key },
      { verb: 'set', key, value },
    ])
    if (!done) throw new Failure('conflict', 'a random token that exists already')
    this.#tokens += 1
    return token
  }

  /** The servers that are published under a token, sorted; `undefined` when there is no such token. */
  async read(ctx: Context, token: string): Promise<string[] | undefined> {
    const record = await this.#watches.read(ctx, keyOf(token))
    return record && [...unexpired(record.servers, now(ctx)).keys()].sort()
  }

  /**
   * Adds servers, or gives them their time anew. Settles with whether there is such a token. However many publish under
   * one token, it is changed once for all who came during the last change.
   */
  async publish(ctx: Context, token: string, servers: readonly string[]): Promise<boolean> {
    if (servers.length === 0) return (await this.#entry(ctx, token)) !== undefined
    return unlessAborted(ctx.signal, this.#publications.add(token, servers))
  }

  async #publish(ctx: Context, token: string, change: TokenChange): Promise<boolean> {
    const at = now(ctx)
    let isNews = false
    const isThere = await this.#change(ctx, token, (list) => {
      const before = unexpired(list, at)
      const after = change(before, at + this.#expireMs)
      isNews = after !== before
      return after
    })
    if (isThere && isNews) await this.#sync(ctx, token, at)
    return isThere
  }

  /** Forgets a token with all that is published under it. Settles with whether there was such a token. */
  async remove(ctx: Context, token: string): Promise<boolean> {
    // Empty first: who ends halfway leaves a token that is tidied like any other.
    if (!(await this.#change(ctx, token, () => new Map()))) return false
    const entry = await this.#entry(ctx, token)
    if (entry && !(await this.#discard(ctx, entry))) {
      throw new Failure('conflict', 'somebody publishes under this token right now')
    }
    return true
  }

  /** Takes a token out under which nothing is published. Settles with `false` when something is after all. */
  async #discard(ctx: Context, { key, modifyIndex: index }: Entry): Promise<boolean> {
    await this.#sync(ctx, tokenOf(key), now(ctx))
    const { done } = await transact(ctx, this.#consul, [{ verb: 'delete-cas', key, index }])
    if (done) this.#tokens -= 1
    this.#watches.forget(key)
    return done
  }

  /** Forgets what has expired under any token, and mends what the catalog says. What fails is warned of. */
  async tidy(ctx: Context): Promise<void> {
    const entries = (await readKeys(ctx, this.#consul, FOLDER)).filter(({ key }) => isToken(tokenOf(key)))
    this.#tokens = entries.length
    for (const entry of entries) {
      try {
        await this.#tidyOne(ctx, entry)
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown
        ctx.log.warn(`the servers of a token could not be tidied: ${messageOf(thrown)}`)
      }
    }
  }

  async #tidyOne(ctx: Context, entry: Entry): Promise<void> {
    const { servers, idleSinceMs } = parseTokenRecord(entry.key, entry.value)
    const token = tokenOf(entry.key)
    const at = now(ctx)
    if (servers.size > 0) {
      // The catalog first, as of the same moment: a list that is empty already is not looked at again.
      await this.#sync(ctx, token, at)
      await this.#change(ctx, token, (list) => unexpired(list, at))
    } else if (idleSinceMs === undefined) await this.#change(ctx, token, (list) => list)
    else if (at - idleSinceMs > UNUSED_MS) await this.#discard(ctx, entry)
  }

  /** Settles with `false` when there is no such token. What stays the same is not written. */
  async #change(ctx: Context, token: string, change: (list: TokenList) => TokenList): Promise<boolean> {
    let record: TokenRecord | undefined
    const after = await compareAndSet(ctx, this.#consul, keyOf(token), (entry) => {
      record = undefined
      if (!entry) return 'keep'
      const before = parseTokenRecord(entry.key, entry.value)
      const next = newTokenRecord(change(before.servers), before, now(ctx))
      const value = tokenRecordText(next)
      if (value === entry.value) return 'keep'
      record = next
      return { value }
    })
    if (after && record) this.#watches.wrote(after.key, record, after.modifyIndex)
    return after !== undefined
  }

  /**
   * Brings list and catalog together, as of a moment. A list that changed while the catalog was written is taken up
   * again: the one who changed it may have seen the catalog before our writing.
   */
  async #sync(ctx: Context, token: string, atMs: number): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const before = await this.#entry(ctx, token)
      const servers = before ? unexpired(parseTokenRecord(before.key, before.value).servers, atMs).keys() : []
      const changed = await syncCatalog(ctx, this.#consul, token, servers)
      if (!changed || (await this.#entry(ctx, token))?.modifyIndex === before?.modifyIndex) return
    }
  }

  async #entry(ctx: Context, token: string): Promise<Entry | undefined> {
    return (await readKey(ctx, this.#consul, keyOf(token), { consistent: true })).entry
  }
}

/** Whether this can be a token. */
export function isToken(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

function keyOf(token: string): string {
  return FOLDER + token
}

function tokenOf(key: string): string {
  return key.slice(FOLDER.length)
}

function now(ctx: Context): number {
  return ctx.clock.now().wallMs
}
