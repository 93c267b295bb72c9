import { AbortReason, type Scope, scope, sleep } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { quiet } from '../base/quiet-log.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import { watchLeader } from '../overview/leader-view.ts'
import type { Board } from './board.ts'
import { leaderRow } from './leader-row.ts'
import type { LeaderRow } from './scene.ts'

/** Each takes two connections. */
const MOST_LEADERS = 50
/** What stands there may be mended. */
const AGAIN_MS = 5000

const GONE = new AbortReason('the application is gone')

/** A watch for each application with a leader, as they come and go. */
export class LeaderWatches {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #board: Board
  readonly #scopes = new Map<string, Scope>()
  readonly #rows = new Map<string, LeaderRow>()

  constructor(ctx: Context, consul: Consul, board: Board) {
    this.#ctx = ctx
    this.#consul = consul
    this.#board = board
  }

  /** These are all that there are now. */
  follow(names: readonly string[]): void {
    for (const [name, scope] of this.#scopes) if (!names.includes(name)) this.#drop(name, scope)
    for (const name of names) if (!this.#scopes.has(name) && this.#scopes.size < MOST_LEADERS) this.#begin(name)
    if (this.#scopes.size === 0) this.#publish()
  }

  #begin(name: string): void {
    const own = scope(this.#ctx.signal)
    this.#scopes.set(name, own)
    // What it rejects with is its own signal's reason, or a defect, which ends the process as any other.
    void this.#watch(under(this.#ctx, own.signal), name).catch((thrown: unknown) => {
      if (!own.signal.aborted) throw thrown
    })
  }

  async #watch(ctx: Context, name: string): Promise<never> {
    for (;;) {
      try {
        // The watch over the locks tells of outages.
        await watchLeader(
          quiet(ctx),
          this.#consul,
          name,
          (view) => this.#show(name, leaderRow(view)),
          new Retry(this.#consul),
        )
      } catch (thrown) {
        ctx.signal.throwIfAborted()
        if (!(thrown instanceof Failure)) throw thrown
        ctx.log.warn(`${name} can't be shown: ${thrown.message}`)
      }
      await sleep(ctx, AGAIN_MS)
    }
  }

  #show(name: string, row: LeaderRow): void {
    this.#rows.set(name, row)
    this.#publish()
  }

  #drop(name: string, scope: Scope): void {
    scope.abort(GONE)
    scope[Symbol.dispose]()
    this.#scopes.delete(name)
    if (this.#rows.delete(name)) this.#publish()
  }

  #publish(): void {
    this.#board.show({ leaders: [...this.#rows.values()].sort((one, other) => (one.name < other.name ? -1 : 1)) })
  }
}
