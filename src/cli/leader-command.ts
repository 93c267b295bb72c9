import { Failure } from '../base/failure.ts'
import type { Invocation } from './invocation.ts'
import { LeaderAgent } from './leader-agent.ts'
import { LEADER_SYNTAX } from './leader-syntax.ts'
import { givenIn, helpOf, parseAnywhere } from './parse.ts'
import { print } from './print.ts'

/** `consul-locker leader FILE`, as a `#!` line calls it, or `leader WORD NAME`. Settles with the exit code. */
export async function leaderCommand(invocation: Invocation): Promise<number> {
  const parsed = parseAnywhere(LEADER_SYNTAX, invocation.words, invocation.environment)
  if (parsed.options.help) return print(await helpOf(LEADER_SYNTAX))
  const [path = givenIn(parsed)('file')] = parsed.words
  if (path === undefined) throw new Failure('usage', 'no configuration was named', { hint: 'leader -f FILE' })
  return new LeaderAgent(invocation, path, givenIn(parsed)).run(invocation.context(parsed.options))
}
