import { Failure } from '../base/failure.ts'
import { ACTIONS, type Action } from '../init/role-rules.ts'
import { Operation } from './init-operation.ts'
import { INIT_SYNTAX } from './init-syntax.ts'
import type { Invocation } from './invocation.ts'
import { lsbCode } from './lsb-codes.ts'
import { givenIn, parseAnywhere } from './parse.ts'

/** `consul-locker init FILE ACTION`, as a `#!` line calls it, or with `-f FILE`. Settles with an LSB exit code. */
export async function initCommand(invocation: Invocation): Promise<number> {
  const { words, environment } = invocation
  const parsed = parseAnywhere(INIT_SYNTAX, words, environment)
  const file = givenIn(parsed)('file')
  const [path, actionWord, ...rest] = file === undefined ? parsed.words : [file, ...parsed.words]
  const ctx = invocation.context(parsed.options)
  const action = actionOf(path, actionWord, rest)
  try {
    return await new Operation(invocation, parsed, path ?? '').run(ctx, action)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    const { message, hint, code } = thrown
    ctx.log.error(hint === undefined ? message : `${message} (${hint})`, { code })
    return lsbCode(action, code)
  }
}

function actionOf(path: string | undefined, word: string | undefined, rest: readonly string[]): Action {
  const hint = `the actions are ${ACTIONS.join(', ')}`
  if (path === undefined)
    throw new Failure('usage', 'no init script was named', { hint: 'consul-locker init -f FILE ACTION' })
  if (word === undefined) throw new Failure('usage', 'no action was given', { hint })
  if (!(ACTIONS as readonly string[]).includes(word)) {
    throw new Failure('usage', `there is no action ${JSON.stringify(word)}`, { hint })
  }
  if (rest.length > 0)
    throw new Failure('usage', `${JSON.stringify(rest[0])} behind the action is one word too many`, { hint })
  return word as Action
}
