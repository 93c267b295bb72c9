import type { HttpAnswer } from './http-client.ts'

/** What a text is to be: just this, or like this. */
export type Pattern = string | RegExp

/** What is expected of the answer to a request. */
export interface Expectation {
  /** Ranges of statuses, their ends included; one of them is enough. */
  readonly statuses: readonly (readonly [from: number, to: number])[]
  /** Without a pattern any value will do; of a header that comes more than once, one value. */
  readonly headers: readonly { readonly name: string; readonly pattern: Pattern | undefined }[]
  readonly body: Pattern | undefined
}

/** A GET that went well. */
export const SUCCESS: Expectation = { statuses: [[200, 299]], headers: [], body: undefined }

/** The server chooses the text, and there are expressions that a text can keep busy for years. */
const MATCH_MS = 500

/** Why an answer isn't as expected, as part of a sentence. What it has instead may be a secret. Empty when it is. */
export async function mismatch(expected: Expectation, answer: HttpAnswer): Promise<string> {
  const { status, headers, text } = answer
  if (!expected.statuses.some(([from, to]) => status >= from && status <= to)) return `it answers ${status}`
  for (const { name, pattern } of expected.headers) {
    const values = headers[name.toLowerCase()] ?? []
    if (values.length === 0) return `it answers without a header ${name}`
    if (pattern !== undefined && !(await someMatches(values, pattern))) return `its header ${name} has another value`
  }
  if (expected.body === undefined || (await someMatches([text.trim()], expected.body))) return ''
  return 'it answers with another body'
}

async function someMatches(texts: readonly string[], pattern: Pattern): Promise<boolean> {
  if (typeof pattern === 'string') return texts.includes(pattern)
  const { runInNewContext } = await import('node:vm')
  return runInNewContext('texts.some((text) => pattern.test(text))', { texts, pattern }, { timeout: MATCH_MS })
}
