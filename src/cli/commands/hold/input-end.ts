import { constants, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'
import { AbortReason } from '../../../base/abort.ts'
import { inForeground } from '../../../child/foreground.ts'

/** The end of our standard input, which tells that who held its other end is done, or dead. */
const ENDED = new AbortReason('the standard input has ended')

/** What our standard input tells of those for whom we were started. */
export interface InputEnd {
  readonly signal: AbortSignal
  /** Whether it is a pipe: then whoever has its other end lives, and isn't done. */
  readonly isPipe: boolean
}

/**
 * Aborts when the standard input ends; what comes before is dropped. `undefined` when that would tell nothing: for
 * /dev/null, a file, or a terminal that is another job's, which we would be stopped for reading from.
 */
export function inputEnd(): InputEnd | undefined {
  const input = openInput()
  if (!input) return undefined
  const end = new AbortController()
  const stop = () => end.abort(ENDED)
  input.on('end', stop).on('error', stop).on('close', stop).resume()
  return { signal: end.signal, isPipe: !isatty(0) }
}

function openInput(): NodeJS.ReadableStream | undefined {
  if (isatty(0)) return inForeground() ? process.stdin : undefined
  const kind = fstatSync(0)
  if (kind.isFIFO()) return openAnew() ?? process.stdin
  return kind.isSocket() ? process.stdin : undefined
}

/** A pipe of our own: the one that we were given would be made non-blocking for everybody who has it. */
function openAnew(): Socket | undefined {
  try {
    const fd = openSync('/proc/self/fd/0', constants.O_RDONLY | constants.O_NONBLOCK)
    return new Socket({ fd, readable: true, writable: false })
  } catch {
    return undefined
  }
}
