import { formatDuration } from '../../../base/duration.ts'
import { oneLine } from '../../../base/printable.ts'
import { wrapped } from '../../../base/wrapped-text.ts'
import { APPLICATION_NAME } from '../../../leader/cluster/leader-keys.ts'
import { instant } from '../../../lock/pause.ts'
import { closedForMs, type Keeper, type SessionHold } from '../../../unlock/session-hold.ts'

const COLUMNS = 80
const INDENT = '  '
const NAME_LENGTH = 60
const DETAIL_LENGTH = 40
/** More keys of one session are only counted. */
const MOST_OTHERS = 10

/** Whom an unlocking hits, in 80 columns. */
export function sessionHoldLines(hold: SessionHold, nowMs: number): string[] {
  const { lock, holder, session, others } = hold
  const { user, pid, command, sinceMs } = holder
  const who = [
    ...(user === undefined ? [] : [`user ${oneLine(user, DETAIL_LENGTH)}`]),
    ...(pid === undefined ? [] : [`pid ${pid}`]),
    ...(command ? [oneLine(command.join(' '), DETAIL_LENGTH)] : []),
  ]
  const node = session && session.node !== holder.host ? `, of node ${oneLine(session.node, DETAIL_LENGTH)}` : ''
  const called = session && holder.runId === undefined ? `, "${oneLine(session.name, DETAIL_LENGTH)}"` : ''
  const waiting = lock.waiters.length
  const lines = [
    `held by ${holderHost(hold)}${who.length > 0 ? ` (${who.join(', ')})` : ''}`,
    ...(sinceMs === undefined
      ? []
      : [`since ${toSecond(sinceMs)}, for ${formatDuration(Math.max(0, nowMs - sinceMs))}`]),
    `session ${holder.session}${called}${node}`,
    ...alsoLines(others),
    ...(waiting > 0 ? [`${waiting} ${waiting === 1 ? 'waits' : 'wait'} for it`] : []),
  ]
  return [lockName(hold), ...lines.flatMap(folded)]
}

/** What its lock is called, on one line. */
export function lockName({ lock }: Pick<SessionHold, 'lock'>): string {
  return oneLine(lock.name, NAME_LENGTH)
}

/** On which machine the holder is, as far as anybody tells. */
export function holderHost({ holder, session }: Pick<SessionHold, 'holder' | 'session'>): string {
  return oneLine(holder.host ?? session?.node ?? 'someone who left no name', DETAIL_LENGTH)
}

/** An instant of the wall clock, to the second. */
export function toSecond(ms: number): string {
  return instant(new Date(ms).toISOString())
}

function alsoLines(others: readonly string[] | undefined): string[] {
  if (!others) return ['what else its session holds the token may not see']
  if (others.length === 0) return []
  const shown = others.slice(0, MOST_OTHERS).map((name) => oneLine(name, NAME_LENGTH))
  const more = others.length - shown.length
  return [`its session also holds ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}: they go with it`]
}

/** What comes of it when this session is ended now. */
export function consequences(hold: SessionHold, nowMs: number): string[] {
  const closedMs = closedForMs(hold)
  const better = hold.keeper === 'leader' ? `; better: ${stepDownCommand(hold)}` : ''
  return folded(`${WORK[hold.keeper]}${better}; ${opening(closedMs, nowMs)}`)
}

const WORK: Readonly<Record<Keeper, string>> = {
  run: 'its command is stopped at once: TERM, and KILL after its grace',
  hold: 'hold tells its users, and nothing stops them; --yield asks them to end',
  leader: 'its application is demoted at once, and another node promoted',
  step: "a rollout's step stops, and a switch of roles takes the lock again",
  'consul-lock': 'consul lock stops its command when it notices, and KILLs it 5 s later',
  bash: "the Bash consul-locker doesn't notice: its command runs on, beside the next one",
  unknown: 'it is another program: whether its work stops then is its own affair',
}

function opening(closedMs: number | undefined, nowMs: number): string {
  if (closedMs === undefined) return 'for how long the lock is closed then nobody tells'
  if (closedMs < 1000) return 'the next one may start at once, for this session has no lock-delay'
  return `the next one starts after the lock-delay of ${formatDuration(closedMs)}, about ${toSecond(nowMs + closedMs)}`
}

/** What has the application of a leader's lock led elsewhere, in good order. */
export function stepDownCommand({ lock, holder }: Pick<SessionHold, 'lock' | 'holder'>): string {
  // Where the lock has a key of its own, its record alone tells the application.
  const name = lock.kind === 'leader' ? lock.name : (holder.command?.[1] ?? '')
  // Somebody may paste it: anything else, from Consul, could be a command of its own.
  return `consul-locker leader step-down ${APPLICATION_NAME.test(name) ? name : 'NAME'}`
}

/** What happens when the holder is asked. */
export function yieldConsequences(hold: Pick<SessionHold, 'keeper' | 'lock' | 'holder'>): string[] {
  return folded(
    hold.keeper === 'leader' ? `a leader hands over by ${stepDownCommand(hold)}, and not by this` : ASKED[hold.keeper],
  )
}

const NOT_ASKED = "it is no run and no hold, and can't be asked"

const ASKED: Readonly<Record<Exclude<Keeper, 'leader'>, string>> = {
  run: 'its runner sends TERM to the command, and gives the lock back when that has ended',
  hold: 'its users are told that somebody asks; it gives the lock back when they are done',
  step: NOT_ASKED,
  'consul-lock': NOT_ASKED,
  bash: NOT_ASKED,
  unknown: NOT_ASKED,
}

function folded(line: string): string[] {
  const parts = wrapped(line, COLUMNS - 2 * INDENT.length)
  return parts.map((part, n) => `${INDENT}${n === 0 ? '' : INDENT}${part}`)
}
