import { sleep } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { isRunning, type OwnProcess, signal } from '../application/own-process.ts'
import type { Check } from './conformance-check.ts'
import { asFarAsTold, type Subject } from './subject.ts'
import { all, broken, KEPT, untold, type Verdict } from './verdict.ts'

const NOT_FOUND = untold('no process that we may look into listens on its port')
const NOT_FENCED = untold('it was not fenced')
const RESTARTED = untold('somebody has started it again already')
/** Whoever starts it again may take a while. */
const STARTING_MS = 30_000
const POLL_MS = 200

/** Its processes hang, then they are killed. */
export class DeathChecks {
  #victims: OwnProcess[] = []
  #isFenced = false

  readonly checks: readonly Check[] = [
    {
      title: 'health of a hung master says no, in time',
      run: (ctx, subject) =>
        this.#hung(ctx, subject, async () => {
          const { healthy, message } = await subject.health(ctx, 'master')
          return healthy ? broken(`it says: ${message}`) : KEPT
        }),
    },
    {
      title: 'demote of a hung master fails in time, or it is dead then',
      run: (ctx, subject) =>
        this.#hung(ctx, subject, async () => {
          const { ok } = await subject.call(ctx, 'demote')
          return ok && this.#victims.some(isRunning) ? broken('it says that it has succeeded') : KEPT
        }),
    },
    {
      title: 'fence kills a hung master',
      run: (ctx, subject) =>
        this.#hung(ctx, subject, async () => {
          if (!subject.application.canFence) return untold('there is no fence')
          const verdict = await subject.does(ctx, 'fence')
          if (verdict.kind !== 'ok') return verdict
          const alive = this.#victims.filter(isRunning)
          if (alive.length > 0) return broken(`it lives: process ${alive.map(({ pid }) => pid).join(', ')}`)
          this.#isFenced = true
          return KEPT
        }),
    },
    {
      title: 'fence again succeeds',
      run: async (ctx, subject) => this.#dead(subject, () => subject.does(ctx, 'fence')),
    },
    {
      title: 'health of a dead application says no',
      run: async (ctx, subject) =>
        this.#dead(subject, async () => {
          const { healthy, message } = await subject.health(ctx, 'master')
          return healthy ? broken(`it says: ${message}`) : KEPT
        }),
    },
    {
      title: 'ready_to_lead of a dead application says no',
      run: async (ctx, subject) =>
        this.#dead(subject, async () => {
          if (!subject.application.asksReadiness) return untold('there is no ready_to_lead')
          return (await subject.call(ctx, 'ready')).ok ? broken('it agrees') : KEPT
        }),
    },
    {
      title: 'demote or fence of a dead application succeeds',
      run: async (ctx, subject) =>
        this.#dead(subject, () =>
          all(
            async () => ((await subject.call(ctx, 'demote')).ok ? KEPT : subject.does(ctx, 'fence')),
            async () => asFarAsTold(await subject.doesNotLead(ctx)),
          ),
        ),
    },
    {
      title: 'it comes back as no master',
      run: async (ctx, subject) => (this.#isFenced ? this.#comesBack(ctx, subject) : NOT_FENCED),
    },
  ]

  /** Looks while the master is stopped. */
  async #hung(ctx: Context, subject: Subject, look: () => Promise<Verdict>): Promise<Verdict> {
    const promoted = await subject.promoted(ctx)
    if (promoted.kind !== 'ok') return promoted
    this.#victims = subject.processes()
    if (this.#victims.length === 0) return NOT_FOUND
    const stopped = this.#victims
    try {
      for (const process of stopped) signal(process, 'SIGSTOP')
      return await look()
    } finally {
      for (const process of stopped) signal(process, 'SIGCONT')
    }
  }

  /** Looks at what is dead, unless somebody starts it again meanwhile. */
  async #dead(subject: Subject, look: () => Promise<Verdict>): Promise<Verdict> {
    if (!this.#isFenced) return NOT_FENCED
    const verdict = await look()
    return verdict.kind === 'failed' && subject.processes().length > 0 ? RESTARTED : verdict
  }

  async #comesBack(ctx: Context, subject: Subject): Promise<Verdict> {
    if (!subject.application.canStandBy) return untold('there is no stand_by that would start it')
    const untilMs = ctx.clock.now().monotonicMs + STARTING_MS
    for (;;) {
      const { ok, message } = await subject.call(ctx, 'stand-by')
      const { role, healthy } = await subject.health(ctx, 'slave')
      if (role === 'master') return broken('it is master')
      if (ok && healthy) return role === undefined ? untold("it doesn't say whether it is master") : KEPT
      if (ctx.clock.now().monotonicMs > untilMs) {
        // Some are kept running by the machine.
        return subject.processes().length === 0
          ? untold('nobody starts it again')
          : broken(`stand_by fails: ${message}`)
      }
      await sleep(ctx, POLL_MS)
    }
  }
}
