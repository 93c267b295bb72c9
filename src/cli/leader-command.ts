import { Failure } from '../base/failure.ts'
import type { Invocation } from './invocation.ts'
import { LeaderAgent } from './leader-agent.ts'
import { LEADER_WORDS, type LeaderWord, operate } from './leader-operation.ts'
import { LEADER_SYNTAX } from './leader-syntax.ts'
import { givenIn, parseAnywhere } from './parse.ts'

const HINT = 'consul-locker leader -f FILE'

/** `consul-locker leader FILE`, as a `#!` line calls it, or `leader WORD NAME`. Settles with the exit code. */
export async function leaderCommand(invocation: Invocation): Promise<number> {
  const parsed = parseAnywhere(LEADER_SYNTAX, invocation.words, invocation.environment)
  const ctx = invocation.context(parsed.options)
  const [first] = parsed.words
  if (isLeaderWord(first)) return operate(ctx, invocation, parsed, first)
  const [path = givenIn(parsed)('file'), extra] = parsed.words
  if (path === undefined) throw new Failure('usage', 'no configuration was named', { hint: HINT })
  if (extra !== undefined) {
    const hint = `the words are ${LEADER_WORDS.join(', ')}; otherwise: ${HINT}`
    throw new Failure('usage', `${JSON.stringify(extra)} is one word too many`, { hint })
  }
  return new LeaderAgent(invocation, path, givenIn(parsed)).run(ctx)
}

function isLeaderWord(word: string | undefined): word is LeaderWord {
  return (LEADER_WORDS as readonly (string | undefined)[]).includes(word)
}
