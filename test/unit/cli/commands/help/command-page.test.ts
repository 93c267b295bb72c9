import { describe, expect, test } from 'vitest'
import { commandPage } from '../../../../../src/cli/commands/help/command-page.ts'
import { textPage } from '../../../../../src/cli/commands/help/text-page.ts'
import { EXIT } from '../../../../../src/cli/exit-codes.ts'
import type { Syntax } from '../../../../../src/cli/syntax/command-syntax.ts'
import { SYNTAXES_BY_WORD, sectionOf } from './known-pages.ts'

const codesIn = (text: string) => text.match(/\b\d+\b(?!\s*(?:h|m|s|minutes)\b)|128\+n/g) ?? []

describe.each([...SYNTAXES_BY_WORD])('the page of %s', (word, syntax) => {
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
  const exits = sectionOf(commandPage('run', SYNTAXES_BY_WORD.get('run') as Syntax), 'EXIT STATUS')
  // A run reads no configuration file, and 130 is 128+n.
  const { config: _, interrupted: __, ...codes } = EXIT
  for (const code of Object.values(codes)) expect(exits).toMatch(new RegExp(`\\b${code}\\b`))
})
