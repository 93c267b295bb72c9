import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Syntax } from '../../src/cli/syntax/command-syntax.ts'
import { isCommandWord, SYNTAXES } from '../../src/cli/syntax-table.ts'
import { readDocument } from '../kit/documents.ts'
import { commandsOf, type Fence, fencesOf, PAGES } from '../kit/pages.ts'
import { STORIES } from '../pages/stories.ts'
import { entryOf } from '../pages/story.ts'

const ROOT = join(import.meta.dirname, '../..')

/** What may stand between fences: commands, what they print, and what other tests read. */
const LANGUAGES = 'bash crontab haproxy hcl ini js json promql sh sql text ts yaml'.split(' ')

/** The only page with drawings that aren't fenced: its test reads them so. */
const DRAWN = 'docs/ARCHITECTURE.md'

const fences = PAGES.flatMap(fencesOf)
const where = ({ page, line }: Fence) => `${page}:${line}`

/** Whether a test has this command in it, or takes its block from the page. */
function takes(file: string, fence: Fence, command: string): boolean {
  if (!existsSync(join(ROOT, file))) return false
  const source = readDocument(file)
  const words = [...source.matchAll(/(?:[([]|[,=?:] )'((?:[^'\\\n]|\\.){5,})'/g)].map(([, literal = '']) => literal)
  return source.includes(command) || (source.includes(fence.page) && words.some((word) => fence.text.includes(word)))
}

describe('of the commands in README.md and docs/', () => {
  const commands = fences.flatMap((fence) => commandsOf(fence).map((command) => ({ fence, command })))

  test('each is run as it stands there, by its page’s story or by the test that this names', () => {
    expect(commands.length).toBeGreaterThan(100)
    const stray = commands.filter(({ fence, command }) => {
      const story = STORIES[fence.page]
      const test = entryOf(story?.elsewhere, command)
      return !story || (test !== undefined && !takes(test, fence, command))
    })
    expect(stray.map(({ fence, command }) => `${where(fence)}: ${command}`)).toEqual([])
  })

  test('each text that they print is compared with what they print', () => {
    const stray = fences
      .filter(({ language }) => language === 'text')
      .filter(({ page, text }) => {
        const { shows, never } = STORIES[page] ?? {}
        return entryOf(shows, text) === undefined && entryOf(never, text) === undefined
      })
    expect(stray.map(where)).toEqual([])
  })

  test('no story tells of what no longer stands there', () => {
    const stale = Object.entries(STORIES).flatMap(([page, { pastes, shows, elsewhere, never }]) => {
      const texts = fencesOf(page).flatMap((fence) => [fence.text, ...commandsOf(fence)])
      const beginnings = [pastes, shows, elsewhere, never].flatMap((table) => Object.keys(table ?? {}))
      return beginnings.filter((beginning) => !texts.some((text) => text.startsWith(beginning)))
    })
    expect(stale).toEqual([])
  })

  test('none is hidden: each block is fenced, and says its language', () => {
    const marks = PAGES.flatMap((page) => readDocument(page).match(/^ *```/gm) ?? [])
    expect(fences.length * 2).toBe(marks.length)
    expect(fences.filter(({ language }) => !LANGUAGES.includes(language)).map(where)).toEqual([])
    const indented = PAGES.filter((page) => page !== DRAWN).filter((page) =>
      /^\n {4}\S/m.test(readDocument(page).replaceAll(/^```\w*\n[\s\S]*?^```$/gm, '')),
    )
    expect(indented).toEqual([])
  })
})

/** What a command takes, by the names of its options. */
function optionsOf(syntax: Syntax | undefined): string[] {
  return syntax ? [...Object.keys(syntax.options), ...optionsOf(syntax.includes)] : []
}

/** Pages about programs of this project's, which have options of their own. */
const OF_OTHER_PROGRAMS = ['docs/benchmarks.md', 'docs/internals.md', 'docs/mutants.md']
/** service_monitor's, which is none of ours. */
const FOREIGN = ['--backend etcd']

test('options that are named in the text are there, and belong to the command beside them', async () => {
  const syntaxes = await Promise.all(
    Object.entries(SYNTAXES).map(async ([word, load]) => [word, await load()] as const),
  )
  const all = new Set(syntaxes.flatMap(([, syntax]) => optionsOf(syntax)))
  const of = (first = '') => (isCommandWord(first) ? optionsOf(Object.fromEntries(syntaxes)[first]) : [...all])
  const named = PAGES.filter((page) => !OF_OTHER_PROGRAMS.includes(page)).flatMap((page) => {
    const prose = readDocument(page).replaceAll(/^```\w*\n[\s\S]*?^```$/gm, '')
    const codes = [...prose.matchAll(/`((?:consul-locker\s|--)[^`]+)`/g)].map(([, code = '']) => code)
    return codes.filter((code) => !FOREIGN.includes(code)).map((code) => ({ page, code }))
  })
  const wrong = named.filter(({ code }) => {
    const [, first] = /^consul-locker\s+([\w-]+)/.exec(code) ?? []
    const known = of(first)
    return [...code.matchAll(/(?:^|[\s|[])--([a-z][a-z-]*)/g)].some(([, name = '']) => !known.includes(name))
  })
  expect(named.length).toBeGreaterThan(200)
  expect(wrong.map(({ page, code }) => `${page}: ${code}`)).toEqual([])
})
