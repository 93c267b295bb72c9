import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { findCommand } from '../child/command.ts'
import { runTask } from '../child/task.ts'
import type { ModuleRunner } from '../leader/commands.ts'
import { callModule, functionsOf, loadModule } from '../leader/module-call.ts'
import { forErrand } from './errands.ts'
import type { Invocation } from './invocation.ts'

const MODULE = ':module'

/** The word that has the names of a module's functions printed. */
const LIST = ':functions'
const LISTING_MS = 20_000

/** A module whose functions are called in processes of their own: what throws, hangs or leaks there harms no agent. */
export function moduleRunner(path: string, names: readonly string[]): ModuleRunner {
  return {
    exports: new Set(names),
    command: (name) => [process.execPath, MODULE, path, name],
    environment: (environment) => forErrand(MODULE, environment),
  }
}

/** Finds out what a module exports. Rejects with a `config` failure when it can't be loaded. */
export async function listModule(ctx: Context, path: string, environment: NodeJS.ProcessEnv): Promise<string[]> {
  const { status, output } = await runTask(ctx, {
    command: findCommand([process.execPath, MODULE, path, LIST]),
    environment: forErrand(MODULE, environment),
    timeoutMs: LISTING_MS,
    graceMs: 0,
    sparesDaemons: true,
  })
  const [, answer = ''] = output.split('\0')
  if (typeof status === 'object' && 'code' in status && status.code === 0) return answer.trim().split(' ')
  throw new Failure('config', answer.trim() || `the module ${path} can't be loaded: ${output.trim().slice(0, 200)}`)
}

/** `consul-locker :module PATH FUNCTION`, for the agent alone: what counts of the output stands behind a NUL. */
export async function moduleCommand({ words, environment }: Invocation): Promise<number> {
  const [path = '', name = ''] = words
  if (name !== LIST) {
    const { ok, message } = await callModule(path, name, environment)
    await say(message)
    return ok ? 0 : 1
  }
  try {
    await say(functionsOf(loadModule(path)).join(' '))
    return 0
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    await say(`${thrown.message}${thrown.hint === undefined ? '' : ` (${thrown.hint})`}`)
    return 1
  }
}

/** Behind all that the module wrote: Node keeps in memory what a pipe doesn't take at once. */
function say(message: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`\0${message}\n`, () => resolve()))
}
