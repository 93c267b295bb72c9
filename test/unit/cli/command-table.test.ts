import { describe, expect, test } from 'vitest'
import { COMMAND_WORDS, COMMANDS, kindOfWord } from '../../../src/cli/command-table.ts'
import { sortAnywhere } from '../../../src/cli/syntax/parse.ts'
import { type CommandWord, SYNTAXES } from '../../../src/cli/syntax-table.ts'

const RESERVED = ['version', 'watch']

test.each([
  ...COMMAND_WORDS.map((word) => [word, 'command'] as const),
  ...RESERVED.map((word) => [word, 'reserved'] as const),
  ...['mongodb', 'Status', 'toString', '', ':release', '--', 'statuses'].map((word) => [word, undefined] as const),
])('the first word %s is %s', (word, kind) => {
  expect(kindOfWord(word)).toBe(kind)
})

describe.each(Object.entries(COMMANDS))('the syntax of %s', (word, load) => {
  test('is the one in the table of syntaxes', async () => {
    expect(await SYNTAXES[word as CommandWord]()).toBe((await load()).syntax)
  })

  test('has a summary for lists: a few words, and no sentence', async () => {
    expect((await load()).syntax.summary).toMatch(/^[a-z].{5,60}[^.]$/)
  })

  test('names no option that is not there', async () => {
    const { options, often = [], contradictions = [] } = (await load()).syntax
    expect(Object.keys(options)).toEqual(expect.arrayContaining([...often, ...contradictions.flat()]))
  })

  test('tells of every default, and each is a value', async () => {
    for (const [name, option] of Object.entries((await load()).syntax.options)) {
      if (option.otherwise === undefined) continue
      if (option.otherwise !== '0') expect(option.describe).toContain(`(${option.otherwise}`)
      expect(option.read(undefined, name)).toBeDefined()
    }
  })
})

test.each([
  [['process', '-n', '-w 2:9'], '-w 2:9'],
  [['process', '--nagios-args', '-C nginx', '-S', 'web'], '-C nginx'],
  [['-n', '-u root', 'process'], '-u root'],
  [['process', '--nagios-args=-w 1'], '-w 1'],
])('the arguments of a check, in %j, may begin with a dash', async (words, value) => {
  const { syntax } = await COMMANDS.check()
  const { given, words: others } = sortAnywhere(syntax, words, {})
  expect(given['nagios-args']).toBe(value)
  expect(others).toEqual(['process'])
})
