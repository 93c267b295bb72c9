import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { isUnanswered } from '../cluster/cluster-switches.ts'
import { isDue } from '../cluster/scheduled-switchover.ts'
import type { StoredState } from '../cluster/stored-state.ts'
import type { AgentParts } from './agent-parts.ts'

/** Begins a switchover when its time has come. It stands at Consul, so whoever is master then does that. */
export class SwitchoverTimer {
  readonly #ctx: Context
  readonly #parts: Pick<AgentParts, 'node' | 'beginSwitchover' | 'answerStepDown'>
  #isAtWork = false
  #complaint = ''

  constructor(ctx: Context, parts: Pick<AgentParts, 'node' | 'beginSwitchover' | 'answerStepDown'>) {
    this.#ctx = ctx
    this.#parts = parts
  }

  /** What stands at Consul, as the promoted master sees it. */
  async look({ schedule, stepDown }: StoredState): Promise<void> {
    if (this.#isAtWork) return
    this.#isAtWork = true
    try {
      if (stepDown?.request.scheduled && stepDown.request.node !== this.#parts.node) await this.#close(stepDown)
      // One that a person has just asked for goes first.
      const isFree = !stepDown || !isUnanswered(stepDown.request, this.#ctx.clock.now().wallMs)
      if (schedule && isFree && isDue(schedule.switchover, this.#ctx.clock.now().wallMs)) {
        await this.#parts.beginSwitchover(this.#ctx, schedule)
      }
      this.#complaint = ''
    } catch (thrown) {
      if (this.#ctx.signal.aborted) return
      if (!(thrown instanceof Failure)) throw thrown
      if (thrown.message !== this.#complaint) this.#ctx.log.error(`the switchover can't begin: ${thrown.message}`)
      this.#complaint = thrown.message
    } finally {
      this.#isAtWork = false
    }
  }

  /** The master that began it has died before it could hand over. */
  async #close({ request, index }: NonNullable<StoredState['stepDown']>): Promise<void> {
    const { node, answerStepDown } = this.#parts
    const hasCome = request.candidate === node
    await answerStepDown(this.#ctx, index, hasCome ? undefined : `${request.node} was gone before it could hand over`)
  }
}
