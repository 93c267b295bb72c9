import type { Context } from '../../../base/context.ts'
import { messageOf } from '../../../base/failure.ts'
import type { Leader } from '../../machine/agent-state.ts'
import { type PostgresTarget, withPostgres } from './postgres-client.ts'
import { type MemberSlot, memberSlots, reserveSlot } from './replication-slot.ts'
import { oldestSegment, type ServerState, segmentOf, serverState } from './server-state.ts'
import { timelineBeginning } from './timeline-beginning.ts'

/** The master, as its standbys see it. */
export class MasterServer {
  readonly target: PostgresTarget
  readonly #name: string
  readonly #slot: string

  constructor({ node, address, port }: Leader, user: string, passfile: string | undefined, slot: string) {
    this.target = { host: address, port, user, passfile }
    this.#name = `${node} (${address}:${port})`
    this.#slot = slot
  }

  /** What it has, once it keeps its log for us. Rejects when it can't be reached, or isn't master. */
  async prepared(ctx: Context): Promise<ServerState> {
    try {
      return await withPostgres(ctx, this.target, async (ask) => {
        const state = await serverState(ask)
        if (state.recovering) throw new Error('it is no master')
        await reserveSlot(ask, this.#slot)
        return state
      })
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      throw new Error(`the master ${this.#name} can't be followed: ${messageOf(thrown)}`)
    }
  }

  /** Whether it has this segment of its log (`0000000000000003`) still, or will have it. */
  keepsSegment(ctx: Context, segment: string): Promise<boolean> {
    return withPostgres(ctx, this.target, async (ask) => (await oldestSegment(ask)) <= segment)
  }

  /** Why it doesn't send to a standby that has got so far; `outdated`: the log from there on is gone. */
  async refusal(ctx: Context, { replayed }: ServerState): Promise<string> {
    try {
      const needed = await withPostgres(ctx, this.target, (ask) => segmentOf(ask, replayed))
      if (!(await this.keepsSegment(ctx, needed.name))) return 'outdated'
      await withPostgres(ctx, { ...this.target, replication: true }, (ask) => ask('IDENTIFY_SYSTEM'))
      return 'its log says why'
    } catch (thrown) {
      ctx.signal.throwIfAborted()
      return messageOf(thrown)
    }
  }

  /** What stands at the beginning of its timeline, as `timelineBeginning`. */
  beginning(ctx: Context, own: ServerState, to: bigint): Promise<string | undefined> {
    return withPostgres(ctx, this.target, (ask) => timelineBeginning(ask, own, to))
  }

  /** The slots of the other members. */
  otherSlots(ctx: Context): Promise<MemberSlot[]> {
    return withPostgres(ctx, this.target, (ask) => memberSlots(ask, this.#slot))
  }
}
