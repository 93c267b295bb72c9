import { Failure } from '../base/failure.ts'
import { EXIT_OF_FAILURE } from './exit-codes.ts'
import { interruptible } from './interruptible.ts'
import type { Invocation } from './invocation.ts'
import { type Parsed, parseAnywhere } from './parse.ts'
import type { Question } from './rollout-question.ts'
import { rolloutSite } from './rollout-site.ts'
import { ROLLOUT_SYNTAX } from './rollout-syntax.ts'
import { formOf, isRolloutWord, ROLLOUT_WORDS, type RolloutWord } from './rollout-words.ts'

/** The codes below are numbers of failing checks, for `health`. */
const ABOVE_COUNTS = 100

/** `consul-locker rollout WORD`. Settles with the exit code. */
export async function rolloutCommand(invocation: Invocation): Promise<number> {
  const parsed = parseAnywhere(ROLLOUT_SYNTAX, invocation.words, invocation.environment)
  const [word, ...others] = parsed.words
  const ctx = invocation.context(parsed.options)
  if (!isRolloutWord(word)) {
    throw new Failure('usage', word === undefined ? 'rollout what?' : `there is no rollout ${JSON.stringify(word)}`, {
      hint: `the words are ${Object.keys(ROLLOUT_WORDS).join(', ')}`,
    })
  }
  try {
    checkUsage(word, parsed, others)
    const site = await rolloutSite(invocation, parsed)
    try {
      return await perform(invocation, word, { ctx, site, words: others, options: parsed.options })
    } finally {
      site.consul.close()
    }
  } catch (thrown) {
    if (word !== 'health' || !(thrown instanceof Failure)) throw thrown
    const { code, message, hint } = thrown
    ctx.log.error(hint === undefined ? message : `${message} (${hint})`, { code })
    return ABOVE_COUNTS + EXIT_OF_FAILURE[code]
  }
}

async function perform(invocation: Invocation, word: RolloutWord, question: Question): Promise<number> {
  if (word === 'step') return (await import('./rollout-step.ts')).rolloutStep(invocation, question)
  const { ANSWERS } = await import('./rollout-answers.ts')
  return interruptible(question.ctx, invocation.signals, (ctx) => ANSWERS[word]({ ...question, ctx }))
}

function checkUsage(word: RolloutWord, { options, words }: Parsed, others: readonly string[]): void {
  const { takes, needs = 0, most = needs, what = 'version' } = formOf(word)
  const odd = OWN.find((name) => options[name] !== undefined && !takes.includes(name))
  if (odd !== undefined) throw new Failure('usage', `rollout ${word} takes no --${odd}`)
  if (others.length < needs) throw new Failure('usage', `rollout ${word}: which ${what}?`)
  if (others.length > most) {
    throw new Failure('usage', `${JSON.stringify(words[most + 1])} behind ${word} is one word too many`)
  }
}

/** Options that mean something to some of the words only. */
const OWN = ['version-file', 'host', 'role', 'hosts', 'warnings', 'force', 'watch', 'prometheus']
