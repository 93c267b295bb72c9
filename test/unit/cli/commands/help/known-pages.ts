import type { ManualPage } from '../../../../../src/cli/commands/help/manual-page.ts'
import { textPage } from '../../../../../src/cli/commands/help/text-page.ts'
import type { Syntax } from '../../../../../src/cli/syntax/command-syntax.ts'
import { SYNTAXES } from '../../../../../src/cli/syntax-table.ts'

/** What each command understands, by its word. */
export const SYNTAXES_BY_WORD = new Map<string, Syntax>()
for (const [word, load] of Object.entries(SYNTAXES)) SYNTAXES_BY_WORD.set(word, await load())

/** A section of a page as one line of text, dashes as they are typed. */
export function sectionOf(page: ManualPage, title: string): string {
  const [, text = ''] = textPage(page).split(`\n${title}\n`)
  return (text.split(/\n(?=[A-Z])/)[0] ?? '').replaceAll(/\s+/g, ' ')
}
