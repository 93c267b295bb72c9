import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { lastLine } from '../../../base/printable.ts'
import { findExecutable } from '../../../child/executable.ts'
import { runTask } from '../../../child/task.ts'
import { CALL_GRACE_MS } from '../../leader-timing.ts'
import type { CallOptions } from '../application.ts'
import type { DataDirectory } from './data-directory.ts'
import type { PostgresOptions } from './postgres-options.ts'

const LONGEST_MS = 30 * 24 * 3_600_000
const MESSAGE_LENGTH = 160

/** Who is told of the process group of a program that runs. */
export type Groups = Pick<CallOptions, 'onGroup'>

/** PostgreSQL's own programs, of the version that the data have. */
export class PostgresPrograms {
  readonly #options: PostgresOptions
  readonly #data: DataDirectory
  readonly #environment: NodeJS.ProcessEnv

  constructor(options: PostgresOptions, data: DataDirectory, environment: NodeJS.ProcessEnv) {
    this.#options = options
    this.#data = data
    this.#environment = environment
  }

  /** Runs a program, and settles with its words. Rejects with the last of them when it fails. */
  async run(
    ctx: Context,
    { onGroup }: Groups,
    words: readonly [string, ...string[]],
    timeoutMs = LONGEST_MS,
  ): Promise<string> {
    const environment = { ...this.#environment, PATH: this.#path, LC_ALL: 'C' }
    const task = { environment, timeoutMs, graceMs: CALL_GRACE_MS, sparesDaemons: true, onGroup }
    const { status, output } = await runTask(ctx, { command: findExecutable(words, environment.PATH), ...task })
    ctx.signal.throwIfAborted()
    if (status === 'too-late') throw new Error(`${words[0]}: no end within ${formatDuration(timeoutMs)}`)
    if (typeof status === 'object' && 'code' in status && status.code === 0) return output
    throw new Error(complaintIn(output) || `${words[0]} failed`)
  }

  get #path(): string {
    const { data, bin } = this.#options
    const version = this.#data.version ?? /\/postgresql\/(\d+)\//.exec(data)?.[1]
    const own = bin ?? `/usr/lib/postgresql/${version}/bin`
    const rest = this.#environment.PATH ?? '/usr/local/bin:/usr/bin:/bin'
    return existsSync(join(own, 'pg_ctl')) ? `${own}:${rest}` : rest
  }
}

/** What went wrong: more may be said afterwards, about what is tidied up. */
function complaintIn(output: string): string {
  const complaints = output.split('\n').filter((line) => /\b(error|FATAL|PANIC): /.test(line))
  return lastLine(complaints.at(-1) ?? output, MESSAGE_LENGTH)
}
