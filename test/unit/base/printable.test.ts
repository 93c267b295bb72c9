import { describe, expect, test } from 'vitest'
import { createLog } from '../../../src/base/log.ts'
import { oneLine, printable, quoted } from '../../../src/base/printable.ts'

/** Each kind of character that a terminal obeys, or that a reader doesn't see as what it is. */
const OBEYED: [string, string, string][] = [
  ['an escape', '\x1b[2J', String.raw`\u001b[2J`],
  ['a line break', 'a\nb', String.raw`a\nb`],
  ['a carriage return', 'a\rb', String.raw`a\rb`],
  ['a tab', 'a\tb', String.raw`a\tb`],
  ['NUL, backspace, bell and delete', '\0\b\x07\x7f', String.raw`\u0000\u0008\u0007\u007f`],
  ['a C1 control, which begins a sequence as ESC [ does', '\x9b2J\x85', String.raw`\u009b2J\u0085`],
  ['a turn of the direction', '\u202egnp.exe\u2066\u200f', String.raw`\u202egnp.exe\u2066\u200f`],
  ['separators of lines and paragraphs', '\u2028\u2029', String.raw`\u2028\u2029`],
  ['what is not seen at all', 'a\u200b\ufeff\u00ad\u{e0041}', String.raw`a\u200b\ufeff\u00ad\udb40\udc41`],
  ['half a character', '\ud800', String.raw`\ud800`],
]

describe('other people’s words', () => {
  test.each(OBEYED)('are printable: %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown)
    expect(printable(shown)).toBe(shown)
  })

  test.each(['', 'plain', 'häßlich 日本語 🔒 e\u0301', String.raw`C:\new\u001b "x"`, '\u00a0'])(
    'stay as they are when they are printable: %j',
    (text) => expect(printable(text)).toBe(text),
  )

  test.each(OBEYED)('in JSON stay the same JSON, but printable: %s', (_, text) => {
    const json = printable(JSON.stringify({ [text]: [text] }))
    expect(json).toBe(printable(json))
    expect(JSON.parse(json)).toEqual({ [text]: [text] })
  })

  test('on one line have no control characters, and an end', () => {
    expect(oneLine('a\x1b[2J\n\u2028b\x9b  c', 40)).toBe('a [2J b c')
    expect(oneLine('  plain  words ', 40)).toBe('plain words')
    expect(oneLine('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`)
    expect(quoted('x'.repeat(50))).toBe(JSON.stringify(`${'x'.repeat(40)}…`))
  })
})

test.each(['text', 'json'] as const)('a line of the log as %s is one printable line, whatever it tells', (format) => {
  const written: string[] = []
  const log = createLog({ format, quiet: false, debug: true, write: (line) => void written.push(line) })
  for (const level of ['debug', 'notice', 'warn', 'error'] as const) {
    log[level](`said: ${OBEYED.map(([, text]) => text).join()}`, { fact: OBEYED.map(([, text]) => text) })
  }
  expect(written).toHaveLength(4)
  for (const line of written) expect(line.slice(0, -1)).toBe(printable(line.slice(0, -1)))
  if (format === 'json') for (const line of written) expect(JSON.parse(line).fact).toHaveLength(OBEYED.length)
})
