import { sleep, unlessAborted, withDeadline } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey, readKeys } from '../consul/kv.ts'
import { transact } from '../consul/txn.ts'
import { agreeCatalog } from './token-catalog.ts'
import { living, merged, parseRecord, recordOf, recordText, type TokenList } from './token-list.ts'
import { TokenWatches } from './token-watches.ts'

const FOLDER = 'discovery/'
/** So often is a change tried that others keep overtaking. */
const ATTEMPTS = 20
/** Spreads out those who change one list, a little more with each attempt. */
const JITTER_MS = 20
/** No more tokens are made when there are so many. All of them must fit into one of Consul's answers. */
const MAX_TOKENS = 20_000
/** A token under which nothing was published for so long is forgotten. */
const UNUSED_MS = 7 * 24 * 3_600_000
const CHANGE_MS = 15_000

/** What somebody wants to add, and who is to hear of it. */
interface Publication {
  readonly servers: readonly string[]
  readonly settle: PromiseWithResolvers<boolean>
}

/**
 * All discovery tokens, in Consul: what is kept of each at `discovery/<token>`, and its servers in the catalog. Every
 * change is conditional on what was read, so that any number of servers may keep the same book.
 */
export class TokenBook {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #expireMs: number
  readonly #watches: TokenWatches
  /** What came for a token while a change of it was under way: all of that is the next change. */
  readonly #waiting = new Map<string, Publication[]>()
  #tokens = 0

  /** What is published is forgotten after `expireMs`, by the wall clocks of those who serve. */
  constructor(ctx: Context, consul: Consul, expireMs: number) {
    this.#ctx = ctx
    this.#consul = consul
    this.#expireMs = expireMs
    this.#watches = new TokenWatches(ctx, consul)
  }

  /** Makes a token under which nothing is published. */
  async create(ctx: Context): Promise<string> {
    if (this.#tokens >= MAX_TOKENS)
      throw new Failure(
        'declined',
        `there are ${this.#tokens} tokens, and that is enough until one is unused for a week`,
      )
    const token = randomId().replaceAll('-', '')
    const key = keyOf(token)
    const value = recordText(recordOf(new Map(), undefined, now(ctx)))
    const { done } = await transact(ctx, this.#consul, [
      { verb: 'check-not-exists', key },
      { verb: 'set', key, value },
    ])
    if (!done) throw new Failure('declined', 'a random token that exists already')
    this.#tokens += 1
    return token
  }

  /** The servers that are published under a token, sorted; `undefined` when there is no such token. */
  async read(ctx: Context, token: string): Promise<string[] | undefined> {
    const record = await this.#watches.read(ctx, keyOf(token))
    return record && [...living(record.servers, now(ctx)).keys()].sort()
  }

  /**
   * Adds servers, or gives them their time anew. Settles with whether there is such a token. However many publish under
   * one token, it is changed once for all who came during the last change.
   */
  async publish(ctx: Context, token: string, servers: readonly string[]): Promise<boolean> {
    if (servers.length === 0) return (await this.#entry(ctx, token)) !== undefined
    const publication = { servers, settle: Promise.withResolvers<boolean>() }
    const waiting = this.#waiting.get(token)
    if (waiting) waiting.push(publication)
    else {
      this.#waiting.set(token, [publication])
      void this.#takeTurns(token)
    }
    return unlessAborted(ctx.signal, publication.settle.promise)
  }

  /** Forgets a token with all that is published under it. Settles with whether there was such a token. */
  async remove(ctx: Context, token: string): Promise<boolean> {
    // Empty first: who ends halfway leaves a token that is tidied like any other.
    if (!(await this.#change(ctx, token, () => new Map()))) return false
    const entry = await this.#entry(ctx, token)
    if (entry && !(await this.#discard(ctx, entry))) {
      throw new Failure('declined', 'somebody publishes under this token right now')
    }
    return true
  }

  /** Takes a token out under which nothing is published. Settles with `false` when something is after all. */
  async #discard(ctx: Context, { key, modifyIndex: index }: Entry): Promise<boolean> {
    await this.#agree(ctx, tokenOf(key), now(ctx))
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
    const { servers, idleSinceMs } = parseRecord(entry.key, entry.value)
    const token = tokenOf(entry.key)
    const at = now(ctx)
    if (servers.size > 0) {
      // The catalog first, as of the same moment: a list that is empty already is not looked at again.
      await this.#agree(ctx, token, at)
      await this.#change(ctx, token, (list) => living(list, at))
    } else if (idleSinceMs === undefined) await this.#change(ctx, token, (list) => list)
    else if (at - idleSinceMs > UNUSED_MS) await this.#discard(ctx, entry)
  }

  /** Takes in what is published under a token, until nothing waits. Never rejects. */
  async #takeTurns(token: string): Promise<void> {
    for (;;) {
      const turn = this.#waiting.get(token)?.splice(0) ?? []
      if (turn.length === 0) break
      try {
        await withDeadline(this.#ctx, CHANGE_MS, (ctx) => this.#take(ctx, token, turn))
      } catch (thrown) {
        for (const { settle } of turn) settle.reject(thrown)
      }
    }
    this.#waiting.delete(token)
  }

  /** Takes in publications as one change; what is too much for the token is refused to its own sender. */
  async #take(ctx: Context, token: string, turn: readonly Publication[]): Promise<void> {
    const at = now(ctx)
    const refused = new Map<Publication, unknown>()
    const add = (list: TokenList, publication: Publication) => {
      try {
        return merged(list, publication.servers, at + this.#expireMs)
      } catch (thrown) {
        refused.set(publication, thrown)
        return list
      }
    }
    const isThere = await this.#change(ctx, token, (list) => {
      refused.clear()
      return turn.reduce(add, living(list, at))
    })
    if (isThere && refused.size < turn.length) await this.#agree(ctx, token, at)
    for (const publication of turn) {
      if (refused.has(publication)) publication.settle.reject(refused.get(publication))
      else publication.settle.resolve(isThere)
    }
  }

  /** Settles with `false` when there is no such token. What stays the same is not written. */
  async #change(ctx: Context, token: string, change: (list: TokenList) => TokenList): Promise<boolean> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const entry = await this.#entry(ctx, token)
      if (!entry) return false
      const before = parseRecord(entry.key, entry.value)
      const record = recordOf(change(before.servers), before, now(ctx))
      const value = recordText(record)
      if (value === entry.value) return true
      const cas = { verb: 'cas', key: entry.key, value, index: entry.modifyIndex } as const
      const outcome = await transact(ctx, this.#consul, [cas])
      if (outcome.done) {
        this.#watches.wrote(entry.key, record, outcome.entries[0]?.modifyIndex ?? 0)
        return true
      }
      await sleep(ctx, attempt * ctx.random() * JITTER_MS)
    }
    throw new Failure('unavailable', 'too many publish under this token at once')
  }

  /**
   * Brings list and catalog together, as of a moment. A list that changed while the catalog was written is taken up
   * again: the one who changed it may have seen the catalog before our writing.
   */
  async #agree(ctx: Context, token: string, atMs: number): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const before = await this.#entry(ctx, token)
      const servers = before ? living(parseRecord(before.key, before.value).servers, atMs).keys() : []
      const changed = await agreeCatalog(ctx, this.#consul, token, servers)
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
