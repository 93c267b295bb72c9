import { Failure } from '../../../base/failure.ts'
import { callModule, functionsOf, loadModule } from '../../../leader/application/module-call.ts'
import { LIST_FUNCTIONS } from '../../../leader/application/module-runner.ts'
import { EXIT } from '../../exit-codes.ts'
import type { Invocation } from '../../invocation/invocation.ts'

/** `consul-locker :module PATH FUNCTION`, for the agent alone: what counts of the output stands behind a NUL. */
export async function serveModule({ words, environment }: Invocation): Promise<number> {
  const [path = '', name = ''] = words
  if (name !== LIST_FUNCTIONS) {
    const { ok, message } = await callModule(path, name, environment)
    await say(message)
    return ok ? EXIT.done : EXIT.no
  }
  try {
    await say(functionsOf(loadModule(path)).join(' '))
    return EXIT.done
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    await say(`${thrown.message}${thrown.hint === undefined ? '' : ` (${thrown.hint})`}`)
    return EXIT.no
  }
}

/** Behind all that the module wrote: Node keeps in memory what a pipe doesn't take at once. */
function say(message: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`\0${message}\n`, () => resolve()))
}
