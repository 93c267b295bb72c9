import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import { findCommand } from '../child/command.ts'
import { launchDetached } from '../child/detached.ts'
import { shellStatus } from '../child/exit-status.ts'
import { endWithin } from '../child/time-limit.ts'
import { GUARDIAN_SLACK_MS } from '../lock/deadline.ts'
import type { Loss } from '../lock/loss.ts'
import { type RolloutCommand, wordsOf } from './rollout-file.ts'
import type { Turn } from './turn.ts'
import { type Validation, type Verdict, validate } from './validation.ts'

/** How commands ended: one failed, or all did well. */
export interface Outcome {
  readonly trouble: string | undefined
  /** Whether one of them asks for a reboot. */
  readonly wantsReboot: boolean
}

const START_FAILURES: readonly FailureCode[] = ['not-found', 'not-executable']

/**
 * Runs commands during a turn. When the turn is lost, or the step interrupted, the command that runs is stopped; when
 * we are killed, the guardian stops it. Only its group and its session: a service that it has started must live on.
 */
export class Workshop {
  readonly #turn: Turn
  readonly #environment: NodeJS.ProcessEnv
  /** Whether nothing of ours runs, as far as that can be seen. */
  isQuiet = true

  constructor(turn: Turn, environment: NodeJS.ProcessEnv) {
    this.#turn = turn
    this.#environment = environment
  }

  /** Runs commands one after the other, until one fails. Rejects with a `Failure` or the signal's reason. */
  async run(ctx: Context, commands: readonly RolloutCommand[], timeoutMs: number): Promise<Outcome> {
    let wantsReboot = false
    for (const command of commands) {
      const outcome = await this.#one(ctx, command, timeoutMs).catch(cannotStart)
      if (outcome.trouble !== undefined) return outcome
      wantsReboot ||= outcome.wantsReboot
    }
    return { trouble: undefined, wantsReboot }
  }

  /** Runs the tests of a directory, guarded as the commands are. */
  async validate(ctx: Context, validation: Pick<Validation, 'tests' | 'timeoutMs'>): Promise<Verdict> {
    const { guardian, session } = this.#turn
    try {
      const onGroup = (group: number | undefined) => group !== undefined && this.#guard(group)
      return await validate(ctx, { ...validation, environment: this.#environment, onGroup })
    } finally {
      session.onRenewed(() => {})
      guardian.disarm()
    }
  }

  async #one(ctx: Context, { run, ok, reboot }: RolloutCommand, timeoutMs: number): Promise<Outcome> {
    const { session, guardian, graceMs } = this.#turn
    const shown = typeof run === 'string' ? run : run.join(' ')
    const command = findCommand(wordsOf(run), this.#environment.PATH)
    const marker = `CONSUL_LOCKER_STEP_${randomId().replaceAll('-', '_')}`
    ctx.signal.throwIfAborted()
    ctx.log.notice(`running ${shown}`)
    const environment = { ...this.#environment, [marker]: '1' }
    const child = await launchDetached({ command, environment, marker: `${marker}=1` })
    this.isQuiet = false
    this.#guard(child.group)
    const allowedMs = (reason: unknown) => (isLoss(reason) ? session.graceLeftMs(reason) : graceMs)
    const { status, isGone } = await endWithin(ctx, child, timeoutMs, allowedMs)
    this.isQuiet = isGone
    session.onRenewed(() => {})
    if (isGone) guardian.disarm()
    else ctx.log.error(`${shown} can't be killed (group ${child.group}); the slots are left to expire`)
    if (status === 'interrupted') throw ctx.signal.reason
    if (status === 'too-late') return failed(`${shown} did not end within ${formatDuration(timeoutMs)}`)
    const code = shellStatus(status)
    const wantsReboot = reboot.includes(code)
    if (code === 0 || wantsReboot || ok.includes(code)) return { trouble: undefined, wantsReboot }
    return failed(`${shown} failed with ${code}`)
  }

  /** The guardian ends the group at the end of the lease, unless that is renewed. */
  #guard(group: number): void {
    const { session, guardian } = this.#turn
    const arm = () => guardian.arm(group, session.leaseLeftMs() + GUARDIAN_SLACK_MS)
    arm()
    session.onRenewed(arm)
  }
}

function failed(trouble: string): Outcome {
  return { trouble, wantsReboot: false }
}

/** A command that isn't there fails as one that ends badly does. */
function cannotStart(thrown: unknown): Outcome {
  if (thrown instanceof Failure && START_FAILURES.includes(thrown.code)) return failed(thrown.message)
  throw thrown
}

/** Whether a signal's reason is the loss of a slot. */
export function isLoss(reason: unknown): reason is Loss {
  return typeof reason === 'object' && reason !== null && 'kind' in reason && 'sentence' in reason
}
