import { Failure } from '../../base/failure.ts'
import type { Syntax } from './command-syntax.ts'
import { called, isFlag, truthOf } from './option.ts'
import { NO_VALUE, UnknownOption } from './parser.ts'

/** An option as it was written: which one its last letter, or its name, is, and what stands behind that. */
interface Written {
  readonly name: string
  /** All up to its name, that included. */
  readonly head: string
  /** All behind, an equals sign included. */
  readonly tail: string
}

/**
 * A word as the parser is to get it. Of itself it takes all values of a yes or no but `true` for `false`, a `true` in
 * the next word for a value, and what stands right behind a letter for one only when it is a number.
 */
export function spelt(syntax: Syntax, word: string): string {
  const written = read(syntax, word)
  if (!written) return word
  const { name, head, tail } = written
  const option = called(syntax.options, name)
  if (!option) return `--${NO_VALUE}=`
  const value = tail.replace(/^=/, '')
  // What is neither true nor false is refused afterwards.
  if (isFlag(option)) return `${head}=${truthOf(value) ?? true}`
  if (tail === '') return option.isOptional ? `${head}=${NO_VALUE}` : word
  return `${head}=${value}`
}

/** Throws a `usage` failure for a word that is no option's, or gives a yes or no another value. */
export function checkWord(syntax: Syntax, word: string): void {
  const written = read(syntax, word)
  if (!written) return
  const { name, head, tail } = written
  const option = called(syntax.options, name)
  if (!option) throw new UnknownOption(name, syntax, head.startsWith('--') ? head : `-${name}`)
  if (!isFlag(option) || tail === '') return
  if (!tail.startsWith('=')) throw new UnknownOption(firstLetter(tail), syntax)
  if (truthOf(tail.slice(1)) !== undefined) return
  throw new Failure('usage', `${head} ${JSON.stringify(tail.slice(1))} is neither true nor false`, {
    hint: `write ${head}, ${head}=true or ${head}=false`,
  })
}

/** Whether a word ends with a yes or no without a value. */
export function isBareFlag(syntax: Syntax, word: string): boolean {
  const written = read(syntax, word)
  return written?.tail === '' && isFlag(called(syntax.options, written.name))
}

/** `undefined` for no option, or a number. Of letters in one word the name is the first that isn't a yes or no. */
function read({ options }: Syntax, word: string): Written | undefined {
  const [, long] = /^--([^=]+)/s.exec(word) ?? []
  if (long !== undefined) return { name: long, head: `--${long}`, tail: word.slice(2 + long.length) }
  if (!/^-[^-]/.test(word) || /^-\.?\d/.test(word)) return undefined
  let at = 1
  while (isFlag(called(options, word.charAt(at))) && called(options, word.charAt(at + 1))) at++
  const name = firstLetter(word.slice(at))
  const end = at + name.length
  return { name, head: word.slice(0, end), tail: word.slice(end) }
}

/** Whole, though it may be two units of UTF-16. */
function firstLetter(text: string): string {
  return String.fromCodePoint(text.codePointAt(0) ?? 0)
}
