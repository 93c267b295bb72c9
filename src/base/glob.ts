/** A pattern as shells have it: `*`, `?`, `[a-z]`, `[!a-z]`; a backslash takes the next character as it is. */
export class Glob {
  readonly #parts: readonly Part[]

  constructor(pattern: string) {
    this.#parts = partsOf(pattern)
  }

  /** What all texts begin with that it matches. */
  get head(): string {
    const end = this.#parts.findIndex((part) => typeof part !== 'string')
    return this.#parts.slice(0, end < 0 ? undefined : end).join('')
  }

  /** Whether nothing but its own text matches. */
  get isPlain(): boolean {
    return this.#parts.every((part) => typeof part === 'string')
  }

  /** Whether it matches all of a text; `*` matches slashes, too. It takes no longer than text times pattern. */
  matches(text: string): boolean {
    const parts = this.#parts
    let [at, part, star, resume] = [0, 0, -1, 0]
    while (at < text.length) {
      const wanted = parts[part]
      if (wanted === ANY) {
        star = part++
        resume = at
      } else if (wanted !== undefined && fits(wanted, text.charAt(at))) {
        part++
        at++
      } else if (star >= 0) {
        // The last star takes one character more.
        part = star + 1
        at = ++resume
      } else return false
    }
    return parts.slice(part).every((left) => left === ANY)
  }
}

const ANY = Symbol('any text')
const ONE = Symbol('one character')

/** A character of its own, any text, any character, or one of some. */
type Part = string | typeof ANY | typeof ONE | { readonly not: boolean; readonly ranges: readonly Range[] }
type Range = readonly [string, string]

function fits(part: Exclude<Part, typeof ANY>, character: string): boolean {
  if (typeof part === 'string') return part === character
  if (part === ONE) return true
  return part.ranges.some(([first, last]) => first <= character && character <= last) !== part.not
}

const TOKEN = /\\(.)|(\*+)|(\?)|\[([!^]?)(\]?[^\]]*)\]|(.)/gs

function partsOf(pattern: string): Part[] {
  return [...pattern.matchAll(TOKEN)].map(([, escaped, any, one, not, some, plain]): Part => {
    if (any !== undefined) return ANY
    if (one !== undefined) return ONE
    if (some !== undefined) return { not: not !== '', ranges: rangesIn(some) }
    return escaped ?? plain ?? ''
  })
}

function rangesIn(some: string): Range[] {
  return [...some.matchAll(/(.)-(.)|(.)/gs)].map(([, first = '', last = '', one]) => [one ?? first, one ?? last])
}
