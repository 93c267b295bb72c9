import assert from 'node:assert'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure, type FailureCode } from '../base/failure.ts'
import { findExecutable } from '../child/executable.ts'
import { shellStatus } from '../child/exit-status.ts'
import type { GuardedGroup, Guardian } from '../child/guardian.ts'
import { launchDetached } from '../child/launch-detached.ts'
import { marked, newMarker } from '../child/marker.ts'
import { endWithin } from '../child/time-limit.ts'
import { GUARDIAN_SLACK_MS } from '../lock/lease-timing.ts'
import { DEADLINE_PASSED, isLoss } from '../lock/loss.ts'
import type { Session } from '../lock/session.ts'
import { type RolloutCommand, rolloutCommandWords } from './rollout-file.ts'
import { runTests, type TestRun, type ValidationResult } from './validation.ts'

/** How commands ended: one failed, or all did well. */
export interface CommandsOutcome {
  readonly trouble: string | undefined
  /** Whether one of them asks for a reboot. */
  readonly wantsReboot: boolean
}

/** Who ends a command when nobody may run it any more. */
export interface CommandGuard {
  readonly guardian: Guardian
  /** From TERM to KILL, in milliseconds. */
  readonly graceMs: number
  /** How long it may still run, and who prolongs that. */
  readonly session: Pick<Session, 'leaseLeftMs' | 'graceLeftMs' | 'onRenewed'>
}

const START_FAILURES: readonly FailureCode[] = ['not-found', 'not-executable']

/**
 * Runs commands under a guard, as a permit is one. When the permit is lost, or the step interrupted, the command that
 * runs is stopped; when we are killed, the guardian stops it. Only its group and its session: a service that it has
 * started must live on.
 */
export class CommandRunner {
  readonly #guard: CommandGuard
  readonly #environment: NodeJS.ProcessEnv
  /** Whether nothing of ours runs, as far as that can be seen. */
  isQuiet = true

  constructor(guard: CommandGuard, environment: NodeJS.ProcessEnv) {
    this.#guard = guard
    this.#environment = environment
  }

  /**
   * Runs commands one after the other, until one fails. Rejects with a `Failure`, the signal's reason, or the loss when
   * the lease is over: then nothing begins.
   */
  async run(ctx: Context, commands: readonly RolloutCommand[], timeoutMs: number): Promise<CommandsOutcome> {
    let wantsReboot = false
    for (const command of commands) {
      const outcome = await this.#one(ctx, command, timeoutMs).catch(cannotStart)
      if (outcome.trouble !== undefined) return outcome
      wantsReboot ||= outcome.wantsReboot
    }
    return { trouble: undefined, wantsReboot }
  }

  /** Runs the tests of a directory, guarded as the commands are. */
  async validate(ctx: Context, validation: Pick<TestRun, 'tests' | 'timeoutMs'>): Promise<ValidationResult> {
    this.#assertQuiet()
    try {
      const onGroup = (group: GuardedGroup | undefined) => group !== undefined && this.#watch(group)
      return await runTests(ctx, { ...validation, environment: this.#environment, onGroup })
    } finally {
      this.#unwatch()
    }
  }

  async #one(ctx: Context, { run, ok, reboot }: RolloutCommand, timeoutMs: number): Promise<CommandsOutcome> {
    this.#assertQuiet()
    const { session, graceMs } = this.#guard
    const shown = typeof run === 'string' ? run : run.join(' ')
    const command = findExecutable(rolloutCommandWords(run), this.#environment.PATH)
    const marker = newMarker('STEP')
    ctx.signal.throwIfAborted()
    // A process that was stopped meanwhile may get an answer before anything tells it that its time is over.
    if (session.leaseLeftMs() <= 0) throw DEADLINE_PASSED
    ctx.log.notice(`running ${shown}`)
    const environment = marked(this.#environment, marker)
    // We may be killed when it has begun, and before we could tell anybody its group.
    this.#watch(marker)
    const child = await launchDetached({ command, environment, marker }).catch((thrown: unknown) => {
      this.#unwatch()
      throw thrown
    })
    this.isQuiet = false
    this.#watch(child.group)
    const allowedMs = (reason: unknown) => (isLoss(reason) ? session.graceLeftMs(reason) : graceMs)
    const { status, isGone } = await endWithin(ctx, child, timeoutMs, allowedMs)
    this.isQuiet = isGone
    if (isGone) {
      this.#unwatch()
    } else {
      session.onRenewed(() => {})
      ctx.log.error(`${shown} can't be killed (group ${child.group}); the slots are left to expire`)
    }
    if (status === 'interrupted') throw ctx.signal.reason
    if (status === 'too-late') return failed(`${shown} did not end within ${formatDuration(timeoutMs)}`)
    const code = shellStatus(status)
    const wantsReboot = reboot.includes(code)
    if (code === 0 || wantsReboot || ok.includes(code)) return { trouble: undefined, wantsReboot }
    return failed(`${shown} failed with ${code}`)
  }

  /** The end of what comes next would be taken for that of what can't be killed, and the slots be given back. */
  #assertQuiet(): void {
    assert(this.isQuiet, 'nothing begins on this host while something may run that was to end')
  }

  /** The guardian ends the group at the end of the lease, unless that is renewed. */
  #watch(group: GuardedGroup): void {
    const { session, guardian } = this.#guard
    const arm = () => guardian.arm(group, session.leaseLeftMs() + GUARDIAN_SLACK_MS)
    arm()
    session.onRenewed(arm)
  }

  #unwatch(): void {
    this.#guard.session.onRenewed(() => {})
    this.#guard.guardian.disarm()
  }
}

function failed(trouble: string): CommandsOutcome {
  return { trouble, wantsReboot: false }
}

/** A command that isn't there fails as one that ends badly does. */
function cannotStart(thrown: unknown): CommandsOutcome {
  if (thrown instanceof Failure && START_FAILURES.includes(thrown.code)) return failed(thrown.message)
  throw thrown
}
