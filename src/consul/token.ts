import { readFileSync } from 'node:fs'
import { Failure, reasonOf } from '../base/failure.ts'

/** The ACL token that counts now. One that stands in a file may be another one tomorrow. */
export class Token {
  readonly #file: string | undefined
  readonly #secrets = new Set<string>()
  #value: string | undefined

  constructor(value: string | undefined, file: string | undefined) {
    this.#file = file
    this.#value = value
    if (value !== undefined) this.#secrets.add(value)
  }

  get value(): string | undefined {
    return this.#value
  }

  /** All that it has been: none of them belongs into a log. */
  get secrets(): Iterable<string> {
    return this.#secrets
  }

  /** Whether another one may take its place. */
  get mayChange(): boolean {
    return this.#file !== undefined
  }

  /**
   * Reads its file again. Whether it is another one now; a file that can't be read, or makes no sense, changes nothing.
   */
  reload(): boolean {
    if (this.#file === undefined) return false
    const found = tokenIn(this.#file)
    if (found === undefined || found === this.#value) return false
    this.#value = found
    this.#secrets.add(found)
    return true
  }
}

/** The token in a file; an empty file has none. Throws a `usage` failure. */
export function readToken(file: string): string | undefined {
  try {
    return checkToken(readFileSync(file, 'utf8').trim() || undefined)
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown
    throw new Failure('usage', `the token file ${file} can't be read: ${reasonOf(thrown)}`, {
      hint: 'is its path right (--token-file or CONSUL_HTTP_TOKEN_FILE), and may this user read it?',
      cause: thrown,
    })
  }
}

/** Throws a `usage` failure for a token that no header can carry. */
export function checkToken(token: string | undefined): string | undefined {
  if (token === undefined || !/[^ -~]/.test(token)) return token
  throw new Failure('usage', 'the token has a character in it that no token has, such as a line break', {
    hint: 'look at --token, --token-file, CONSUL_HTTP_TOKEN and CONSUL_HTTP_TOKEN_FILE',
  })
}

/** Who replaces the file may be at it just now. */
function tokenIn(file: string): string | undefined {
  try {
    return readToken(file)
  } catch {
    return undefined
  }
}
