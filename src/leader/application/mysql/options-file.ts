import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { oneLine } from '../../../base/printable.ts'
import { findExecutable } from '../../../child/executable.ts'
import { runTask } from '../../../child/task.ts'
import type { MysqlOptions } from './mysql-options.ts'

const ASKING_MS = 3000
const GROUPS = ['mysqld', 'server', 'mariadb', 'mariadbd', 'mysqld-10.11', 'mariadb-10.11', 'mariadbd-10.11']
const READ_ONLY = /^--read[-_]only(?:=(\S*))?$/gm

const OPEN = 'the server would restart open to writes: my.cnf needs read_only=1 below [mysqld]'

/** Whether a server's options have it take writes from its start on; rejects when nobody can tell. */
async function startsOpen(
  ctx: Context,
  { defaults_file }: MysqlOptions,
  environment: NodeJS.ProcessEnv,
): Promise<boolean> {
  const words = defaults_file === undefined ? [] : [`--defaults-file=${defaults_file}`]
  const { status, output } = await runTask(ctx, {
    command: findExecutable(['my_print_defaults', ...words, ...GROUPS], environment.PATH),
    environment,
    timeoutMs: ASKING_MS,
    graceMs: 0,
    sparesDaemons: false,
  })
  ctx.signal.throwIfAborted()
  if (typeof status === 'object' && 'code' in status && status.code === 0) return !startsClosed(output)
  throw new Failure('failed', `the server's options can't be read: ${oneLine(output, 200)}`)
}

/** A server may become master when it is none after a restart: it may crash, and somebody may start it at any time. */
export async function assertStartsClosed(
  ctx: Context,
  options: MysqlOptions,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  if (await startsOpen(ctx, options, environment)) throw new Failure('precondition', OPEN)
}

/**
 * Why a server that was master can't be trusted to stay none; `undefined` when it can. Options that can't be read are
 * no reason: no server starts with them.
 */
export async function wouldReopen(
  ctx: Context,
  options: MysqlOptions,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const opens = await startsOpen(ctx, options, environment).catch(() => false)
  ctx.signal.throwIfAborted()
  return opens ? OPEN : undefined
}

/** Whether options, one a line, end with `read_only`; the last one counts. */
export function startsClosed(options: string): boolean {
  const last = [...options.matchAll(READ_ONLY)].at(-1)
  return last !== undefined && /^(1|on|true)?$/i.test(last[1] ?? '')
}
