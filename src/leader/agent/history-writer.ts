import { AbortReason, scope, sleep } from '../../base/abort.ts'
import { Complaint } from '../../base/complaint.ts'
import { type Context, under } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { quiet } from '../../base/quiet-log.ts'
import type { Consul } from '../../consul/consul.ts'
import { Retry } from '../../consul/retry.ts'
import { changeStored } from '../cluster/change-stored.ts'
import { HISTORY, type History, withEnd, withReign } from '../cluster/leader-history.ts'
import type { AgentIdentity } from '../cluster/leader-record.ts'
import { REASONS } from './change-log.ts'
import type { AgentView, Spectator } from './spectator.ts'

/** So long an agent that ends waits for what it has yet to write. */
const FINISHING_MS = 2000

/** Writes down who led when, and why that ended. It waits for Consul as long as it takes, and nobody waits for it. */
export class HistoryWriter implements Spectator {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #key: string
  readonly #identity: AgentIdentity
  readonly #work: ReturnType<typeof scope>
  /** Of our own reign. */
  #since: string | undefined
  #written: Promise<void> = Promise.resolve()
  readonly #complaint = new Complaint()

  constructor(ctx: Context, consul: Consul, key: string, identity: AgentIdentity) {
    this.#ctx = ctx
    this.#consul = consul
    this.#key = key
    this.#identity = identity
    this.#work = scope(ctx.signal)
  }

  saw(view: AgentView): void {
    const now = new Date(this.#ctx.clock.now().wallMs).toISOString()
    const since = this.#since
    if ((view.role === 'master') === (since !== undefined)) return
    const { node, address, port } = this.#identity
    if (since === undefined) {
      this.#since = now
      const reign = { node, address, port, since: now, ...(view.fence === undefined ? {} : { fence: view.fence }) }
      this.#write((history) => withReign(history, reign))
    } else {
      this.#since = undefined
      const { by } = view
      const end = { until: now, why: whyOver(view), ...(by === undefined ? {} : { by }) }
      this.#write((history) => withEnd(history, node, end, since))
    }
  }

  async finish(): Promise<void> {
    await Promise.race([this.#written, sleep(this.#ctx, FINISHING_MS).catch(() => {})])
    this.#work.abort(new AbortReason('the agent has ended'))
  }

  #write(change: (history: History) => History | undefined): void {
    const ctx = under(quiet(this.#ctx), this.#work.signal)
    const retry = new Retry(this.#consul)
    this.#written = this.#written
      .then(() => retry.until(ctx, () => changeStored(ctx, this.#consul, this.#key, HISTORY, change)))
      .then(
        () => {},
        (thrown: unknown) => this.#complain(thrown),
      )
  }

  #complain(thrown: unknown): void {
    if (this.#work.signal.aborted) return
    if (!(thrown instanceof Failure)) throw thrown
    this.#complaint.tell(`the history can't be written: ${thrown.message}`, (text) => this.#ctx.log.warn(text))
  }
}

function whyOver({ yielding, loss, message }: AgentView): string {
  if (yielding === undefined) return `the lock was lost: ${loss ?? 'it is not ours any more'}`
  return yielding === 'unhealthy' ? `${REASONS[yielding]}: ${message}` : REASONS[yielding]
}
