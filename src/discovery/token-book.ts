import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { type Entry, readKey, readKeys } from '../consul/kv.ts'
import { transact } from '../consul/txn.ts'
import { agreeCatalog } from './token-catalog.ts'
import { listText, living, merged, parseList, type TokenList } from './token-list.ts'

const FOLDER = 'discovery/'
/** So often is a change tried that others keep overtaking. */
const ATTEMPTS = 20
/** Spreads out those who change one list, a little more with each attempt. */
const JITTER_MS = 20
/** No more tokens are made when there are so many. All of them must fit into one of Consul's answers. */
const MAX_TOKENS = 20_000

/**
 * All discovery tokens, in Consul: the list of each at `discovery/<token>`, and its servers in the catalog. Every change
 * of a list is conditional on what was read, so that any number of servers may keep the same book.
 */
export class TokenBook {
  readonly #consul: Consul
  readonly #expireMs: number
  /** As of the last tidying. */
  #tokens = 0

  /** What is published is forgotten after `expireMs`, by the wall clocks of those who serve. */
  constructor(consul: Consul, expireMs: number) {
    this.#consul = consul
    this.#expireMs = expireMs
  }

  /** Makes a token under which nothing is published. */
  async create(ctx: Context): Promise<string> {
    if (this.#tokens >= MAX_TOKENS)
      throw new Failure('declined', `there are ${this.#tokens} tokens, and that is enough`)
    const token = randomId().replaceAll('-', '')
    const key = keyOf(token)
    const { done } = await transact(ctx, this.#consul, [
      { verb: 'check-not-exists', key },
      { verb: 'set', key, value: listText(new Map()) },
    ])
    if (!done) throw new Failure('declined', 'a random token that exists already')
    return token
  }

  /** The servers that are published under a token, sorted; `undefined` when there is no such token. */
  async read(ctx: Context, token: string): Promise<string[] | undefined> {
    const entry = await this.#entry(ctx, token)
    return entry && [...living(parseList(entry.key, entry.value), now(ctx)).keys()].sort()
  }

  /** Adds servers, or gives them their time anew. Settles with whether there is such a token. */
  async publish(ctx: Context, token: string, servers: readonly string[]): Promise<boolean> {
    if (servers.length === 0) return (await this.#entry(ctx, token)) !== undefined
    const at = now(ctx)
    const done = await this.#change(ctx, token, (list) => merged(living(list, at), servers, at + this.#expireMs))
    if (done) await this.#agree(ctx, token, at)
    return done
  }

  /** Forgets what has expired under any token, and mends what the catalog says. What fails is warned of. */
  async tidy(ctx: Context): Promise<void> {
    const entries = (await readKeys(ctx, this.#consul, FOLDER)).filter(({ key }) => isToken(tokenOf(key)))
    this.#tokens = entries.length
    for (const { key, value } of entries) {
      try {
        if (parseList(key, value).size === 0) continue
        // The catalog first, as of the same moment: a list that is empty already is not looked at again.
        const at = now(ctx)
        await this.#agree(ctx, tokenOf(key), at)
        await this.#change(ctx, tokenOf(key), (list) => living(list, at))
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown
        ctx.log.warn(`the servers of a token could not be tidied: ${messageOf(thrown)}`)
      }
    }
  }

  /** Settles with `false` when there is no such token. A list that stays the same is not written. */
  async #change(ctx: Context, token: string, change: (list: TokenList) => TokenList): Promise<boolean> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const entry = await this.#entry(ctx, token)
      if (!entry) return false
      const value = listText(change(parseList(entry.key, entry.value)))
      if (value === entry.value) return true
      const cas = { verb: 'cas', key: entry.key, value, index: entry.modifyIndex } as const
      if ((await transact(ctx, this.#consul, [cas])).done) return true
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
      const servers = before ? living(parseList(before.key, before.value), atMs).keys() : []
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
