import type { Syntax } from '../../syntax/command-syntax.ts'
import type { Operand } from '../../syntax/operand.ts'
import type { Option, Options } from '../../syntax/option.ts'

/** What stands where a word is to be completed. */
export type Place =
  /** A word of the user's own command, which begins at this word. */
  | { readonly kind: 'command'; readonly at: number }
  /** An option: one of these. */
  | { readonly kind: 'option'; readonly options: Options; readonly beginning: string }
  /** Something else: one of `operands`. What stands `before` it in the same word is to be kept. */
  | {
      readonly kind: 'operand'
      readonly operands: readonly Operand[]
      readonly before: string
      readonly beginning: string
      /** Values of the options on the line, by their names. */
      readonly given: ReadonlyMap<string, string>
    }

/** Where the last of these words stands; they are those behind a command's word, which are `from` words before. */
export function placeAmong(syntax: Syntax, words: readonly string[], from: number): Place {
  const options: Options = { ...syntax.includes?.options, ...syntax.options }
  const operands = syntax.operands ?? []
  const isRun = operands.some(({ kind }) => kind === 'command')
  const given = new Map<string, string>()
  const last = words.at(-1) ?? ''
  let passed = 0
  let areOptionsOver = false
  const expected = () => operands[passed] ?? (operands.at(-1)?.isRepeated ? operands.at(-1) : undefined)
  for (let at = 0; at < words.length - 1; at++) {
    const word = words[at] ?? ''
    if (expected()?.kind === 'command') return { kind: 'command', at: from + at }
    if (word === '--' && !areOptionsOver) {
      // Behind it stands a command of the user's, but in a run: there it only ends the options.
      if (!isRun) return { kind: 'command', at: from + at + 1 }
      areOptionsOver = true
    } else if (word.startsWith('-') && !areOptionsOver) {
      const taken = optionOf(options, word)
      if (taken === undefined) continue
      if (!taken.wantsValue) given.set(taken.name, taken.value ?? '')
      else if (at === words.length - 2) return valuePlace(taken.option, '', last, given)
      else given.set(taken.name, words[++at] ?? '')
    } else {
      passed++
      areOptionsOver ||= isRun
    }
  }
  if (expected()?.kind === 'command') return { kind: 'command', at: from + words.length - 1 }
  if (areOptionsOver || !last.startsWith('-')) {
    const operand = expected()
    return { kind: 'operand', operands: operand ? [operand] : [], before: '', beginning: last, given }
  }
  const [, name = '', value] = /^--([^=]+)=(.*)$/s.exec(last) ?? []
  const option = options[name]
  if (option && value !== undefined) return valuePlace(option, `--${name}=`, value, given)
  return { kind: 'option', options: stillPossible(syntax, options, given), beginning: last }
}

function valuePlace(option: Option, before: string, beginning: string, given: ReadonlyMap<string, string>): Place {
  return { kind: 'operand', operands: operandsOf(option), before, beginning, given }
}

const BY_VALUE: Readonly<Record<string, Operand>> = {
  FILE: { kind: 'file' },
  DIR: { kind: 'folder' },
  GATE: { kind: 'gate' },
  SIGNAL: { kind: 'signal' },
}

/** What the value of an option may be. */
function operandsOf({ operand, choices, value = '' }: Option): Operand[] {
  if (operand) return [operand]
  if (choices) return [{ words: Object.fromEntries(choices.map((choice) => [choice, ''])) }]
  const known = BY_VALUE[value]
  return known ? [known] : []
}

interface Taken {
  readonly name: string
  readonly option: Option
  /** What stands in the same word. */
  readonly value?: string
  /** Whether the next word is its value. */
  readonly wantsValue: boolean
}

/** The option that a word is; of several letters it is the last one that counts. */
function optionOf(options: Options, word: string): Taken | undefined {
  const [, long, value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? []
  if (long !== undefined) {
    const option = options[long]
    return option && taken(long, option, value)
  }
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] as string
    const found = Object.entries(options).find(([name, { alias }]) => name === letter || alias === letter)
    if (!found) return undefined
    const rest = word.slice(at + 1)
    if (found[1].value !== undefined || rest === '') return taken(...found, rest === '' ? undefined : rest)
  }
  return undefined
}

function taken(name: string, option: Option, value: string | undefined): Taken {
  const wantsValue = option.value !== undefined && option.isOptional !== true && value === undefined
  return { name, option, wantsValue, ...(value !== undefined && { value }) }
}

/** Without those that are there and can't come again, and those that contradict one. */
function stillPossible({ contradictions = [] }: Syntax, options: Options, given: ReadonlyMap<string, string>): Options {
  const ruledOut = contradictions.flatMap(([one, other]) => [
    ...(given.has(one) ? [other] : []),
    ...(given.has(other) ? [one] : []),
  ])
  const isPossible = ([name, { isRepeatable = false }]: [string, Option]) =>
    !ruledOut.includes(name) && (isRepeatable || !given.has(name))
  return Object.fromEntries(Object.entries(options).filter(isPossible))
}
