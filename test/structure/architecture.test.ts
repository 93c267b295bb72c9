import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const TEXT = readFileSync(join(ROOT, 'docs/ARCHITECTURE.md'), 'utf8')
const SOURCES = globSync('src/**/*.ts', { cwd: ROOT })

const textOf = new Map(SOURCES.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]))

/** The files that each file imports, also those that it loads later. */
const importsOf = new Map(
  SOURCES.map((file) => {
    const found = (textOf.get(file) ?? '').matchAll(/(?:from |import\()'(\.[^']+)'/g)
    return [file, [...found].map(([, path = '']) => join(dirname(file), path))]
  }),
)

/** The part of the document below a heading. */
function below(heading: string): string {
  const [, part = ''] = TEXT.split(`\n## ${heading}\n`)
  return part.split('\n## ')[0] ?? ''
}

/** `src/lock/`, or a file right below `src/`. */
const roomOf = (file: string) => file.split('/').slice(0, 2).join('/')

describe('the floors', () => {
  const rows = [...below('The floors').matchAll(/^\| `(src\/[^`]*)`.*\|.*\| (.*) \|$/gm)]
  const rooms = rows.map(([, room = '', may = '']) => ({ room: room.replace(/\/$/, ''), may }))

  test('name every room of src', () => {
    const named = rooms.map(({ room }) => room)
    expect(SOURCES.map(roomOf).filter((room) => !named.includes(room))).toEqual([])
  })

  test.each(rooms.filter(({ may }) => /^(`\w+`(, )?)+$/.test(may)))('say what $room may import: $may', (row) => {
    const allowed = [row.room, ...[...row.may.matchAll(/`(\w+)`/g)].map(([, name]) => `src/${name}`)]
    const files = SOURCES.filter((file) => roomOf(file) === row.room)
    const found = files.flatMap((file) => importsOf.get(file) ?? []).map(roomOf)
    expect(found.length).toBeGreaterThan(0)
    expect(found.filter((room) => !allowed.includes(room))).toEqual([])
  })
})

describe('the walks', () => {
  const walks = below('Four walks')
    .split('\n### ')
    .slice(1)
    .map((walk) => {
      return [walk.split('\n')[0], [...walk.matchAll(/`(src\/[\w/-]+\.ts)`/g)].map(([, file = '']) => file)] as const
    })

  test('are four', () => expect(walks).toHaveLength(4))

  test.each(walks)('%s: leads through files each of which knows, or is known to, another one', (_, files) => {
    const isNeighbour = (one: string, other: string) =>
      importsOf.get(one)?.includes(other) || importsOf.get(other)?.includes(one)
    const strangers = files.filter((file) => !files.some((other) => other !== file && isNeighbour(file, other)))
    expect(files.length).toBeGreaterThan(5)
    expect(strangers).toEqual([])
  })
})

describe('the rules of the house', () => {
  const having = (pattern: RegExp) => SOURCES.filter((file) => pattern.test(textOf.get(file) ?? ''))

  test('what aborts says why, by a reason of ours', () => expect(having(/\w\.abort\((?:\)|new Error\b)/)).toEqual([]))

  test('one place reads the environment, one of the library, and one what Node reads of it by itself', () =>
    expect(having(/\bprocess\.env\b|\benv\b.* (?:= process\b|from 'node:process')/).sort()).toEqual([
      'src/base/certificate-authorities.ts',
      'src/cli/cli.ts',
      'src/library/program-environment.ts',
    ]))

  test('an exit code is named in the table of exit codes, and a number nowhere else', () => {
    const numbered = /^ *(?:if \(.*\) )?return \d+(?: : \d+)?$|[?:] \d+ : EXIT\b|\bEXIT\.\w+ : \d|\(\) => \d+\)$/m
    expect(having(numbered).filter((file) => /^src\/(?:cli|init)\//.test(file))).toEqual([])
  })
})

test('the types and functions that it names are exported in src', () => {
  const quoted = [...TEXT.matchAll(/`([A-Za-z]+)`/g)].map(([, name = '']) => name)
  const glossary = [...below('Glossary').matchAll(/\(`([a-z]+)`/g)].map(([, name = '']) => name)
  const names = [...quoted.filter((name) => /^[A-Z][a-z]/.test(name)), ...glossary]
  const exported = [...textOf.values()].flatMap((text) =>
    [...text.matchAll(/^export (?:async )?(?:class|function|interface|type|const) (\w+)/gm)].map(([, name]) => name),
  )
  expect(names.length).toBeGreaterThan(20)
  expect(names.filter((name) => !exported.includes(name))).toEqual([])
})
