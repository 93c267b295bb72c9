import { readFileSync } from 'node:fs'
import { computeWhenIdle } from '../base/compute-when-idle.ts'

/**
 * Signals that are the child's business; what we get of them goes to its group. Not among them: KILL and STOP, which
 * nobody can catch, and real-time signals, which Node can't; faults (SEGV, BUS, FPE, ILL, TRAP, SYS), after which V8
 * must not go on; CHLD, PIPE and XFSZ, which our own doing brings about.
 */
const FORWARDED = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
  'SIGTSTP',
  'SIGALRM',
  'SIGTTIN',
  'SIGTTOU',
  'SIGABRT',
  'SIGPWR',
  'SIGIO',
  'SIGVTALRM',
  'SIGPROF',
  'SIGXCPU',
  'SIGURG',
  'SIGSTKFLT',
] as const satisfies readonly NodeJS.Signals[]

export type ForwardedSignal = (typeof FORWARDED)[number]

/** Signals that end us while no child runs that they could be for. */
export const ENDS_US: readonly ForwardedSignal[] = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGABRT',
  'SIGPWR',
  'SIGXCPU',
]

/**
 * What signal-exit would take for deadly as long as nobody else listens: other names of signals above, and XFSZ, which
 * comes when a log of ours reaches the limit of file sizes.
 */
const HARMLESS = ['SIGIOT', 'SIGPOLL', 'SIGXFSZ'] as const satisfies readonly NodeJS.Signals[]

/** Signals sent to us. */
export interface SignalSource {
  /** Calls `receive` for each signal until disposed. Only the newest listener is called. */
  listen(receive: (signal: ForwardedSignal) => void): Disposable
}

/** Signals that may also come from ourselves. */
export interface RaisableSignals extends SignalSource {
  /** Has the newest listener receive this signal, as if it had been sent to us. */
  raise(signal: ForwardedSignal): void
}

/** Gives the text of a file below /proc; throws when there is none, as without a /proc. */
type ProcReader = (file: string) => string

const readProc: ProcReader = (file) => readFileSync(file, 'latin1')

/**
 * Takes over the process's signals, for good: Node resets an inherited ignore of HUP, and would open its inspector at
 * an unheard USR1. A hang-up is dropped when we were started to survive one. Tests have another /proc.
 */
export function processSignals(environment: NodeJS.ProcessEnv, proc = readProc): RaisableSignals {
  const listeners: ((signal: ForwardedSignal) => void)[] = []
  // Not only at the hang-up: our parent may be gone by then.
  const hangUpProof = computeWhenIdle(() => survivesHangUp(environment, proc))
  const raise = (signal: ForwardedSignal) => listeners.at(-1)?.(signal)
  for (const signal of FORWARDED) {
    // With `stty tostop` it comes at each write of ours in the background, and a write that isn't stopped is repeated.
    if (signal === 'SIGTTOU' && hasTerminal(proc)) continue
    process.on(signal, () => {
      if (signal === 'SIGHUP' && hangUpProof()) return
      raise(signal)
    })
  }
  for (const signal of HARMLESS) process.on(signal, () => {})
  return {
    raise,
    listen(receive) {
      listeners.push(receive)
      return { [Symbol.dispose]: () => void listeners.splice(listeners.indexOf(receive), 1) }
    },
  }
}

function hasTerminal(proc: ProcReader): boolean {
  try {
    const [, , , , terminal] = statOf('self', proc)
    return terminal !== '0'
  } catch {
    return true
  }
}

const HANGUP_BIT = 1n

/**
 * Whether we run under `nohup`. Its ignore of HUP is gone when our code begins, so look at what it leaves: bash and
 * zsh name the program that they start in `_`; GNU nohup opens the standard input for writing only; and under a
 * script that runs under nohup, the script itself ignores HUP.
 */
export function survivesHangUp(environment: NodeJS.ProcessEnv, proc = readProc): boolean {
  if (/(^|\/)nohup$/.test(environment._ ?? '')) return true
  const flags = Number.parseInt(fieldOf(proc, '/proc/self/fdinfo/0', /^flags:\s*(\d+)/m), 8)
  if ((flags & 3) === 1) return true
  const ignored = fieldOf(proc, `/proc/${process.ppid}/status`, /^SigIgn:\s*([0-9a-f]+)/m)
  return ignored !== '' && (BigInt(`0x${ignored}`) & HANGUP_BIT) !== 0n
}

function fieldOf(proc: ProcReader, file: string, pattern: RegExp): string {
  try {
    return pattern.exec(proc(file))?.[1] ?? ''
  } catch {
    return ''
  }
}

/** Stops this process as an unhandled TSTP would; it goes on at the next CONT. */
export function stopSelf(proc = readProc): void {
  if (canBeContinued(proc)) process.kill(process.pid, 'SIGSTOP')
}

/**
 * Whether a stop makes sense. On a terminal it takes a shell with job control above us; without one (`ssh -t`, a
 * container) the kernel drops Ctrl-Z. Without a terminal, whoever sends TSTP will know how to send CONT.
 */
export function canBeContinued(proc = readProc): boolean {
  try {
    const [, ours, group, session, terminal] = statOf('self', proc)
    if (terminal === '0') return true
    // A group is orphaned when no parent outside of it belongs to its session; our line of ancestors must do.
    for (let parent = ours; parent !== undefined && parent !== '0'; ) {
      const [, grandparent, itsGroup, itsSession] = statOf(parent, proc)
      if (itsGroup !== group) return itsSession === session
      parent = grandparent
    }
    return false
  } catch {
    return true
  }
}

/** Fields of /proc/PID/stat from the third on: state, parent, group, session, terminal. */
function statOf(pid: string, proc: ProcReader): string[] {
  const stat = proc(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
