import { Failure } from '../../../base/failure.ts'
import type { SignalSource } from '../../../child/signals.ts'
import { rolloutReaderRules } from '../../connection/acl-rules.ts'
import { EXIT_OF_FAILURE, MOST_FAILING_CHECKS } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { checkNoStrayOption } from '../../syntax/stray-options.ts'
import type { RolloutRequest } from './rollout-request.ts'
import { hostRollout } from './rollout-setup.ts'
import { formOf, isRolloutWord, type RolloutWord, wordHint } from './rollout-words.ts'
import { ROLLOUT_SYNTAX, type RolloutCommandOptions } from './syntax.ts'

/** `consul-locker rollout WORD` */
export const rolloutCommand = subcommand(ROLLOUT_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  const [word, ...others] = words
  if (!isRolloutWord(word)) {
    throw new Failure('usage', word === undefined ? 'rollout what?' : `there is no rollout ${JSON.stringify(word)}`, {
      hint: wordHint(word),
    })
  }
  try {
    checkUsage(word, options, others)
    const rollout = await hostRollout(environment, options)
    if (READING.includes(word)) rollout.consul.rules = rolloutReaderRules(rollout.keys)
    if (word === 'current') rollout.consul.rules = [`key "${rollout.keys.current}" { policy = "read" }`]
    try {
      return await perform(signals, word, { ctx, rollout, words: others, options })
    } finally {
      rollout.consul.close()
    }
  } catch (thrown) {
    if (word !== 'health' || !(thrown instanceof Failure)) throw thrown
    const { code, message, hint } = thrown
    ctx.log.error(hint === undefined ? message : `${message} (${hint})`, { code })
    return MOST_FAILING_CHECKS + EXIT_OF_FAILURE[code]
  }
})

async function perform(signals: SignalSource, word: RolloutWord, request: RolloutRequest): Promise<number> {
  if (word === 'step') return (await import('./rollout-step.ts')).rolloutStep(signals, request)
  const { ROLLOUT_ANSWERS } = await import('./rollout-answers.ts')
  return interruptible(request.ctx, signals, (ctx) => ROLLOUT_ANSWERS[word]({ ...request, ctx }))
}

function checkUsage(word: RolloutWord, options: RolloutCommandOptions, others: readonly string[]): void {
  const { takes, needs = 0, most = needs, what = 'version' } = formOf(word)
  checkNoStrayOption(`rollout ${word}`, options, OWN, takes)
  if (others.length < needs) throw new Failure('usage', `rollout ${word}: which ${what}?`)
  if (others.length > most) {
    throw new Failure('usage', `${JSON.stringify(others[most])} behind ${word} is one word too many`)
  }
}

/** The words that write nothing, and read more than the version. */
const READING: readonly RolloutWord[] = [
  'pending',
  'running',
  'hosts-at',
  'verify',
  'check-single',
  'health',
  'failures',
  'status',
]

/** Options that mean something to some of the words only. */
const OWN = [
  'version-file',
  'host',
  'role',
  'hosts',
  'warnings',
  'force',
  'watch',
  'exit-on-failure',
  'prometheus',
  'dry-run',
] as const
