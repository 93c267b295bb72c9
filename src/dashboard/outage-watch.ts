import { sleep } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { quiet } from '../base/quiet-log.ts'
import type { Consul } from '../consul/consul.ts'
import { hasLeader } from '../consul/raft-leader.ts'
import type { Board } from './board.ts'
import { line } from './texts.ts'

/** How often it is looked whether Consul answers: a blocking query hears of that late. */
const LOOK_MS = 1000
const LOOK_TIMEOUT_MS = 5000

/** Has the board say when nothing newer is known than what it shows. */
export async function watchOutages(ctx: Context, consul: Consul, board: Board): Promise<never> {
  for (;;) {
    const trouble = await troubleWith(quiet(ctx), consul)
    if (trouble === undefined) board.recover()
    else board.fail(line(trouble), ctx.clock.now().wallMs)
    await sleep(ctx, LOOK_MS)
  }
}

/** Why Consul can't tell anything new; `undefined` when it can. */
async function troubleWith(ctx: Context, consul: Consul): Promise<string | undefined> {
  const ask = (path: string) => consul.exchange(ctx, { method: 'GET', path, timeoutMs: LOOK_TIMEOUT_MS, needs: '' })
  try {
    return (await hasLeader({ address: consul.settings.address.text, ask })) ? undefined : 'it has no leader'
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    if (thrown instanceof Failure) return thrown.message
    throw thrown
  }
}
