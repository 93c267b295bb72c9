import { expect, test } from 'vitest'
import { overviewPage } from '../../../../../src/cli/commands/help/overview-page.ts'
import type { Syntax } from '../../../../../src/cli/syntax/command-syntax.ts'
import { SYNTAXES_BY_WORD, sectionOf } from './known-pages.ts'

const overview = overviewPage(SYNTAXES_BY_WORD.get('run') as Syntax, SYNTAXES_BY_WORD)

test('the page of the whole names every command, says what it does, and leads to its page', () => {
  for (const [word, { summary }] of SYNTAXES_BY_WORD) {
    expect(sectionOf(overview, 'COMMANDS')).toMatch(new RegExp(`${word} ${summary}`.replaceAll(/[.()]/g, '.'), 'i'))
    expect(sectionOf(overview, 'SEE ALSO')).toContain(`consul-locker-${word}(1)`)
  }
})
