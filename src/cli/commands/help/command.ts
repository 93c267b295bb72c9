import { Failure } from '../../../base/failure.ts'
import { quoted } from '../../../base/printable.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { printText } from '../../output/print.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { isCommandWord, SYNTAXES } from '../../syntax-table.ts'
import { commandPage } from './command-page.ts'
import { edition } from './edition.ts'
import type { ManualPage } from './manual-page.ts'
import { overviewPage } from './overview-page.ts'
import { paged } from './pager.ts'
import { roffPage } from './roff-page.ts'
import { HELP_SYNTAX } from './syntax.ts'
import { textPage } from './text-page.ts'

/** `consul-locker help [COMMAND]` */
export const helpCommand = subcommand(HELP_SYNTAX, async ({ options, words, environment, signals }) => {
  const [word, ...rest] = words
  checkNoWords(options.all ? words : rest, 'consul-locker help COMMAND, or --all')
  const pages = await (options.all ? allPages() : onePage(word))
  if (options.roff) return printText(pages.map((page) => roffPage(page, edition())).join(''))
  return paged(pages.map(textPage).join('\n\n'), environment, signals)
})

async function onePage(word: string | undefined): Promise<ManualPage[]> {
  if (word === undefined) return [await overview()]
  if (isCommandWord(word)) return [commandPage(word, await SYNTAXES[word]())]
  throw new Failure('usage', `there is no command ${quoted(word)}`, {
    hint: 'consul-locker help tells which there are',
  })
}

/** That of the whole is the first. */
async function allPages(): Promise<ManualPage[]> {
  const commands = await allSyntaxes()
  return [await overview(), ...[...commands].map(([word, syntax]) => commandPage(word, syntax))]
}

async function overview(): Promise<ManualPage> {
  return overviewPage(await SYNTAXES.run(), await allSyntaxes())
}

async function allSyntaxes(): Promise<Map<string, Syntax>> {
  const loaded = Object.entries(SYNTAXES).map(async ([word, load]) => [word, await load()] as const)
  return new Map(await Promise.all(loaded))
}
