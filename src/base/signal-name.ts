import { constants } from 'node:os'

/** They stop a process, or have it go on; none tells it to end. */
const JOB_CONTROL: readonly string[] = ['SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGCONT']

/**
 * The signal that a word names, by which a command can be told to end: `TERM`, `SIGTERM`, `term` or `15`; `undefined`
 * for another word.
 */
export function endingSignal(word: string): NodeJS.Signals | undefined {
  const upper = word.toUpperCase()
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`
  const [signal] =
    Object.entries(constants.signals).find(([signal, number]) => signal === name || String(number) === word) ?? []
  return signal === undefined || JOB_CONTROL.includes(signal) ? undefined : (signal as NodeJS.Signals)
}
