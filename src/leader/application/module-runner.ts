import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { findExecutable, ownExecutable } from '../../child/executable.ts'
import { asInternal } from '../../child/internal-command.ts'
import { runTask } from '../../child/task.ts'

const MODULE = ':module'

/** The word that has the names of a module's functions printed. */
export const LIST_FUNCTIONS = ':functions'
const LISTING_MS = 20_000

/**
 * A module whose functions are called in processes of their own, by our own executable: what throws, hangs or leaks
 * there harms no agent.
 */
export interface ModuleRunner {
  /** The names of the functions that it exports. */
  readonly exports: ReadonlySet<string>
  /** The command that calls one of its functions. */
  command(name: string): readonly string[]
  /** What that needs in its environment beside what a command has. */
  environment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv
}

/** The module at an absolute path, of which we know what it exports. */
export function moduleRunner(path: string, names: readonly string[]): ModuleRunner {
  return {
    exports: new Set(names),
    command: (name) => [ownExecutable(), MODULE, path, name],
    environment: (environment) => asInternal(MODULE, environment),
  }
}

/** Finds out what a module exports. Rejects with a `config` failure when it can't be loaded. */
export async function listModule(ctx: Context, path: string, environment: NodeJS.ProcessEnv): Promise<string[]> {
  const { status, output } = await runTask(ctx, {
    command: findExecutable([ownExecutable(), MODULE, path, LIST_FUNCTIONS]),
    environment: asInternal(MODULE, environment),
    timeoutMs: LISTING_MS,
    graceMs: 0,
    sparesDaemons: true,
  })
  const [, answer = ''] = output.split('\0')
  if (typeof status === 'object' && 'code' in status && status.code === 0) return answer.trim().split(' ')
  throw new Failure('config', answer.trim() || `the module ${path} can't be loaded: ${output.trim().slice(0, 200)}`)
}
