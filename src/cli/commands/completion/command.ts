import { Failure } from '../../../base/failure.ts'
import { quoted } from '../../../base/printable.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { printText } from '../../output/print.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { isCommandWord, SYNTAXES } from '../../syntax-table.ts'
import { BASH } from './bash-script.ts'
import { answerFor, answerLines } from './candidate.ts'
import { FISH } from './fish-script.ts'
import { knownWords } from './known-words.ts'
import { type Place, placeAmong } from './place.ts'
import { COMPLETION_SYNTAX, SHELLS } from './syntax.ts'
import { ZSH } from './zsh-script.ts'

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } satisfies Record<keyof typeof SHELLS, string>

/** What the scripts ask by: all words up to the one that is to be completed stand behind it, without our name. */
const ASKED = 'candidates'

/** `consul-locker completion SHELL` */
export const completionCommand = subcommand(
  COMPLETION_SYNTAX,
  async ({ ctx, words, command, environment, signals }) => {
    const [shell, ...rest] = words
    checkNoWords(rest, 'consul-locker completion bash, zsh or fish')
    if (shell === ASKED && command) {
      return interruptible(ctx, signals, async (ctx) => {
        const lines = answerLines(await answerFor(await placeOf(command), knownWords(ctx, environment)))
        return printText(`${lines.join('\n')}\n`)
      })
    }
    if (shell !== undefined && Object.hasOwn(SCRIPTS, shell)) return printText(SCRIPTS[shell as keyof typeof SCRIPTS])
    const sentence = shell === undefined ? 'completions of which shell?' : `there are none for ${quoted(shell)}`
    throw new Failure('usage', sentence, { hint: `those of ${Object.keys(SHELLS).join(', ')}` })
  },
)

/** Where the last word of a command line stands. */
async function placeOf(words: readonly string[]): Promise<Place> {
  const [first = '', ...others] = words
  if (others.length > 0 && isCommandWord(first)) return placeAmong(await SYNTAXES[first](), others, 1)
  const place = placeAmong(await SYNTAXES.run(), words, 0)
  if (others.length > 0 || place.kind !== 'operand' || place.before !== '') return place
  return { ...place, operands: [{ kind: 'ours' }, ...place.operands] }
}
