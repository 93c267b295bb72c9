/** What a guardian's shell is called. */
export const GUARDIAN_NAME = 'consul-locker-guardian'

/** The script travels in this variable: among the arguments it would fill every list of processes. */
export const GUARDIAN_VARIABLE = 'CONSUL_LOCKER_GUARDIAN'

/** So does the marker of the command's processes, which is nobody else's business. */
export const MARKER_VARIABLE = 'CONSUL_LOCKER_GUARDED'

/**
 * Tells the command that gives the lock back how much is left of what was guarded's time, in hundredths of a second.
 */
export const LEFT_VARIABLE = 'CONSUL_LOCKER_LEFT'

/**
 * Tells that command, too, how what was guarded ended: the word that came with `disarm`; `killed`, when the guardian
 * has ended it; `none`, when it has found nothing to end; nothing when nobody said.
 */
export const ENDED_VARIABLE = 'CONSUL_LOCKER_ENDED'

/** How what has not started ended. */
export const NOT_STARTED = 'none'

/** The programs that the script calls. */
export const GUARDIAN_PROGRAMS = ['sed', 'grep', 'sleep'] as const

/** Where it looks for those that are not on the PATH. */
export const GUARDIAN_PATH = '/usr/local/bin:/usr/bin:/bin'

/** What a guardian's script is started with. */
export interface GuardianTerms {
  /** What tells the group to end. */
  readonly signal: NodeJS.Signals
  /** From that to KILL, in milliseconds. */
  readonly graceMs: number
  /** Should it be killed together with us: so long may it take what is left of it to notice, in milliseconds. */
  readonly orphanLookMs: number
  /** The command that gives a lock back; the session is added to it. */
  readonly release: readonly string[]
}

/** The arguments of a shell that is to be a guardian; the script itself is in its environment. */
export function guardianArguments({ signal, graceMs, orphanLookMs, release }: GuardianTerms): string[] {
  const times = [graceMs, orphanLookMs].map((ms) => String(hundredths(ms)))
  return ['-c', `eval "$${GUARDIAN_VARIABLE}"`, GUARDIAN_NAME, signal.slice('SIG'.length), ...times, ...release]
}

/** A time as the script has it: in hundredths of a second. */
export function hundredths(ms: number): number {
  return Math.round(Math.max(0, ms) / 10)
}
