import { formatDuration } from '../../base/duration.ts'
import type { TaskEnd } from '../../child/task.ts'
import type { CallResult } from './application.ts'
import { positionIn } from './position-in-output.ts'

const MESSAGE_LENGTH = 200

/** What a command of the application came to. */
export interface CommandResult extends CallResult {
  /** The command's own words, when it has ended by itself. */
  readonly said: string
}

/** How a command's end counts; `timeoutMs` is what it had, in milliseconds. */
export function commandResult({ status, output }: Omit<TaskEnd, 'isGone'>, timeoutMs: number): CommandResult {
  const said = shorten(output)
  const position = typeof status === 'object' ? positionIn(output) : undefined
  const own = position === undefined ? {} : { position }
  if (typeof status === 'object' && 'code' in status && status.code === 0) {
    return { ok: true, said, message: said, ...own }
  }
  const ending = endingOf(status, timeoutMs)
  const message = said === '' ? ending : `${said} (${ending})`
  return { ok: false, said: typeof status === 'object' ? said : '', message, ...own }
}

function endingOf(status: TaskEnd['status'], timeoutMs: number): string {
  if (status === 'too-late') return `no end within ${formatDuration(timeoutMs)}`
  if (status === 'interrupted') return 'interrupted'
  return 'code' in status ? `exit code ${status.code}` : `killed by ${status.signal}`
}

/** What stands behind the last NUL, which a module's message does; printable, on one line, not too long. */
function shorten(output: string): string {
  const line = output
    .slice(output.lastIndexOf('\0') + 1)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
  return line.length > MESSAGE_LENGTH ? `${line.slice(0, MESSAGE_LENGTH - 1)}…` : line
}
