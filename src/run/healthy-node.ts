import { AbortReason, scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { agentSelf } from '../consul/agent-self.ts'
import { BlockingQuery } from '../consul/blocking-query.ts'
import type { Consul } from '../consul/consul.ts'
import { readInstances } from '../consul/instances.ts'
import { readNodeChecks } from '../consul/node-checks.ts'
import { Retry } from '../consul/retry.ts'
import { WAIT_OVER } from '../lock/acquire-options.ts'
import type { RunOutcome } from './run-outcome.ts'
import type { Contend } from './run-spec.ts'

type Unready = Extract<RunOutcome, { kind: 'unready' }>

/** What is wrong with the node, in words for people; nothing if it is well. */
interface Verdict {
  readonly wrongs: readonly string[]
  readonly index: number
}

/** The node has turned critical. */
class Unwell extends AbortReason {}

const LEFT_ALONE = new AbortReason('nobody waits for the lock any more')

/**
 * Has a run contend for its lock only while this node is well: none of its own checks is critical, and, if a service is
 * named, neither are all instances of that on it. Maintenance is such a check (`consul maint`); a warning isn't.
 */
export class HealthyNode {
  readonly #consul: Consul
  readonly #service: string | undefined

  constructor(consul: Consul, service: string | undefined) {
    this.#consul = consul
    this.#service = service
  }

  /**
   * Settles as `attempt` does, which begins when the node is well, is given up when it no longer is, and begins anew
   * when it is again; or with what is wrong, when the context's signal says that the wait is over. `once` looks once.
   */
  readonly contend: Contend = async (ctx, once, attempt) => {
    const retry = new Retry(this.#consul)
    const retrying = <T>(ctx: Context, task: () => Promise<T>) => (once ? task() : retry.until(ctx, task))
    const { node } = await retrying(ctx, () => agentSelf(ctx, this.#consul))
    for (;;) {
      const query = new BlockingQuery<Verdict>((ctx, from) => this.#judge(ctx, node, from))
      const unready = await this.#untilWell(ctx, query, once, retrying)
      if (unready) return unready
      if (once) return attempt(ctx)
      using watch = scope(ctx.signal)
      using stay = scope(ctx.signal)
      const watching = this.#untilUnwell(under(ctx, watch.signal), query, retrying).then(
        (wrongs) => stay.abort(new Unwell(wrongs.join(', '))),
        (thrown: unknown) => stay.passOn(thrown),
      )
      try {
        // A run that has won all the same has contended while the node was well.
        return await attempt(under(ctx, stay.signal))
      } catch (thrown) {
        if (!(thrown instanceof Unwell)) throw thrown
        ctx.log.notice(`no longer waiting for the lock: ${thrown.sentence}`)
      } finally {
        watch.abort(LEFT_ALONE)
        await watching
      }
    }
  }

  async #untilWell(
    ctx: Context,
    query: BlockingQuery<Verdict>,
    once: boolean,
    retrying: (ctx: Context, task: () => Promise<Verdict>) => Promise<Verdict>,
  ): Promise<Unready | undefined> {
    let said = ''
    let missing: readonly string[] = []
    try {
      for (;;) {
        ;({ wrongs: missing } = await retrying(ctx, () => query.next(ctx)))
        if (missing.length === 0) return undefined
        if (once) return { kind: 'unready', missing }
        const sentence = missing.join(', ')
        if (sentence !== said) ctx.log.notice(`waiting until this node is well: ${sentence}`)
        said = sentence
      }
    } catch (thrown) {
      if (thrown === WAIT_OVER && missing.length > 0) return { kind: 'unready', missing }
      throw thrown
    }
  }

  async #untilUnwell(
    ctx: Context,
    query: BlockingQuery<Verdict>,
    retrying: (ctx: Context, task: () => Promise<Verdict>) => Promise<Verdict>,
  ): Promise<readonly string[]> {
    for (;;) {
      const { wrongs } = await retrying(ctx, () => query.next(ctx))
      if (wrongs.length > 0) return wrongs
    }
  }

  async #judge(
    ctx: Context,
    node: string,
    from: { readonly index: number; readonly waitMs: number },
  ): Promise<Verdict> {
    const service = this.#service
    if (service === undefined) {
      const { checks, index } = await readNodeChecks(ctx, this.#consul, node, from)
      const own = checks.filter(({ ServiceName }) => ServiceName === '')
      const critical = own.filter(({ Status }) => Status === 'critical')
      const unseen = `Consul shows no check of ${node} (is it registered, and may the token read it?)`
      const wrongs = critical.map(({ Name, CheckID }) => `the check ${Name || CheckID} of ${node} is critical`)
      return { wrongs: own.length === 0 ? [unseen] : wrongs, index }
    }
    const { instances, index } = await readInstances(ctx, this.#consul, service, from)
    const here = instances.filter((instance) => instance.node === node)
    const isWell = here.some(({ health }) => health !== 'critical')
    const wrong = here.length === 0 ? `no ${service} is registered on ${node}` : `${service} is critical on ${node}`
    return { wrongs: isWell ? [] : [wrong], index }
  }
}
