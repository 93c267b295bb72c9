import { describe, expect, test } from 'vitest'
import { commandPage } from '../../../../../src/cli/commands/help/command-page.ts'
import type { ManualPage } from '../../../../../src/cli/commands/help/manual-page.ts'
import { overviewPage } from '../../../../../src/cli/commands/help/overview-page.ts'
import { roffPage } from '../../../../../src/cli/commands/help/roff-page.ts'
import { textPage } from '../../../../../src/cli/commands/help/text-page.ts'
import { EXIT } from '../../../../../src/cli/exit-codes.ts'
import type { Syntax } from '../../../../../src/cli/syntax/command-syntax.ts'
import { SYNTAXES } from '../../../../../src/cli/syntax-table.ts'

const syntaxes = new Map<string, Syntax>()
for (const [word, load] of Object.entries(SYNTAXES)) syntaxes.set(word, await load())
const run = syntaxes.get('run') as Syntax
const overview = overviewPage(run, syntaxes)

/** A section of a page as one line of text, dashes as they are typed. */
function sectionOf(page: ManualPage, title: string): string {
  const [, text = ''] = textPage(page).split(`\n${title}\n`)
  return (text.split(/\n(?=[A-Z])/)[0] ?? '').replaceAll(/\s+/g, ' ')
}

const codesIn = (text: string) => text.match(/\b\d+\b(?!\s*(?:h|m|s|minutes)\b)|128\+n/g) ?? []

describe.each([...syntaxes])('the page of %s', (word, syntax) => {
  const page = commandPage(word, syntax)

  test('has every option, with its value and what it does', () => {
    const options = sectionOf(page, 'OPTIONS')
    for (const [name, { value, describe }] of Object.entries(syntax.options)) {
      expect(options).toContain(name.length === 1 ? ` -${name} ` : `--${name}`)
      if (value !== undefined) expect(options).toMatch(new RegExp(`--${name}(?: |\\[=)${value}`))
      expect(options).toContain(describe)
    }
  })

  test('has every exit code that the help tells of, and says what each is', () => {
    const exits = sectionOf(page, 'EXIT STATUS')
    const told = codesIn(syntax.epilogue.slice(syntax.epilogue.search(/^Exit codes/m)))
    expect(told.length).toBeGreaterThan(0)
    for (const code of told) expect(exits).toContain(code)
    if (/\b3\b[\d,\s]*as\sfor\sa\srun/.test(syntax.epilogue)) expect(exits).toContain("3 Consul can't be reached")
  })

  test('has all variables that count', () => {
    const variables = sectionOf(page, 'ENVIRONMENT')
    const heeded = Object.entries(syntax.options).filter(([, { variable }]) => variable === 'everywhere')
    for (const [name] of heeded) expect(variables).toContain(`CONSUL_LOCKER_${name.replaceAll('-', '_').toUpperCase()}`)
    if (syntax.options['http-addr']) expect(variables).toContain('CONSUL_HTTP_ADDR as --http-addr')
  })

  test('is 80 columns wide, in sections that a manual has', () => {
    const lines = textPage(page).split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    const titles = lines.filter((line) => /^[A-Z]/.test(line))
    const all = [
      ...['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'NOTES', 'EXIT STATUS'],
      ...['ENVIRONMENT', 'FILES', 'EXAMPLES', 'SEE ALSO'],
    ]
    expect(titles).toEqual(all.filter((title) => titles.includes(title)))
    expect(titles).toEqual(
      expect.arrayContaining(['NAME', 'SYNOPSIS', 'OPTIONS', 'EXIT STATUS', 'EXAMPLES', 'SEE ALSO']),
    )
  })
})

test('the page of a run has every exit code of a run', () => {
  const exits = sectionOf(commandPage('run', run), 'EXIT STATUS')
  // A run reads no configuration file, and 130 is 128+n.
  const { config: _, interrupted: __, ...codes } = EXIT
  for (const code of Object.values(codes)) expect(exits).toMatch(new RegExp(`\\b${code}\\b`))
})

test('the page of the whole names every command, says what it does, and leads to its page', () => {
  for (const [word, { summary }] of syntaxes) {
    expect(sectionOf(overview, 'COMMANDS')).toMatch(new RegExp(`${word} ${summary}`.replaceAll(/[.()]/g, '.'), 'i'))
    expect(sectionOf(overview, 'SEE ALSO')).toContain(`consul-locker-${word}(1)`)
  }
})

test('lines of an example stay what a shell reads, however they are folded', () => {
  const monitor = textPage(commandPage('monitor', syntaxes.get('monitor') as Syntax))
  const examples = (monitor.split('\nEXAMPLES\n')[1] ?? '').replaceAll(/ \\\n\s*/g, ' ')
  expect(examples).toContain('consul-locker monitor --label web --monitor-url http://127.0.0.1:8080/health\n')
})

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
