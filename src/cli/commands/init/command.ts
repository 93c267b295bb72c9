import { Failure } from '../../../base/failure.ts'
import { INIT_ACTIONS, type InitAction } from '../../../init/role-rules.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { checkNoStrayOption } from '../../syntax/stray-options.ts'
import { InitOperation } from './init-operation.ts'
import { lsbCode } from './lsb-codes.ts'
import { INIT_SYNTAX } from './syntax.ts'

/** The options that only one action takes. */
const TAKES: Partial<Record<InitAction, readonly (keyof typeof INIT_SYNTAX.options)[]>> = {
  status: ['json'],
  'start-primary': ['force', 'dead-after', 'fenced', 'node', 'dry-run', 'abort', 'step-timeout', 'to-datacenter'],
}

/** `consul-locker init FILE ACTION`, as a `#!` line calls it, or with `-f FILE`. Settles with an LSB exit code. */
export const initCommand = subcommand(INIT_SYNTAX, async (request) => {
  const { ctx, options, words } = request
  const [path, actionWord, ...rest] = options.file === undefined ? words : [options.file, ...words]
  const action = actionOf(path, actionWord, rest)
  checkNoStrayOption(action, options, Object.values(TAKES).flat(), TAKES[action] ?? [])
  try {
    return await new InitOperation(request, path ?? '').run(action)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    const { message, hint, code } = thrown
    ctx.log.error(hint === undefined ? message : `${message} (${hint})`, { code })
    return lsbCode(action, code)
  }
})

function actionOf(path: string | undefined, word: string | undefined, rest: readonly string[]): InitAction {
  const hint = `the actions are ${INIT_ACTIONS.join(', ')}`
  const isAction = (word: string) => (INIT_ACTIONS as readonly string[]).includes(word)
  if (path === undefined || (word === undefined && isAction(path))) {
    throw new Failure('usage', 'no init script was named', { hint: `consul-locker init -f FILE ${path ?? 'ACTION'}` })
  }
  if (word === undefined) throw new Failure('usage', 'no action was given', { hint })
  if (!isAction(word)) {
    throw new Failure('usage', `there is no action ${JSON.stringify(word)}`, { hint })
  }
  if (rest.length > 0)
    throw new Failure('usage', `${JSON.stringify(rest[0])} behind the action is one word too many`, { hint })
  return word as InitAction
}
