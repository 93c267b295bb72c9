import { expect, test } from 'vitest'
import { roffPage } from '../../../../../src/cli/commands/help/roff-page.ts'

test.each([
  ['a word that begins a request', '.so /etc/passwd', '\\&.so /etc/passwd'],
  ['a backslash', 'a\\fB', 'a\\efB'],
  ['a quote', "it's", 'it\\(aqs'],
  ['another language', '…', '\\[u2026]'],
])('no text is a request to man: %s', (_, text, roff) => {
  const page = {
    name: 'a',
    summary: 'b',
    sections: [{ title: 'C', blocks: [{ kind: 'text' as const, text }] }],
  }
  expect(roffPage(page, { version: '1', date: '2026-11-29' }).split('\n').at(-2)).toBe(roff)
})
