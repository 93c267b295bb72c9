import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMAND_WORDS, kindOfWord } from '../../src/cli/command-table.ts'

const ROOT = join(import.meta.dirname, '../..')

/** The first words that were commands of 0.1.0. */
const OLD_WORDS =
  'run verify fenced promote demote init check wait rollout monitor hosts lease acquire-lease discovery leader'.split(
    ' ',
  )

/** The words that the page tells of as new. */
function newWords(): string[] {
  const [, item = ''] =
    /^- \*\*New words[.]\*\*([\s\S]*?)A lock/m.exec(readFileSync(join(ROOT, 'docs/upgrading.md'), 'utf8')) ?? []
  return Array.from(item.matchAll(/`([a-z-]+)`/g), ([, word = '']) => word)
}

test('docs/upgrading.md names every first word that is a command since 0.1.0, and they are ours', () => {
  expect(COMMAND_WORDS.filter((word) => !OLD_WORDS.includes(word) && !newWords().includes(word))).toEqual([])
  expect(newWords().filter((word) => kindOfWord(word) === undefined)).toEqual([])
})

test('every command of 0.1.0 is there still', () => {
  expect(OLD_WORDS.filter((word) => !COMMAND_WORDS.includes(word))).toEqual([])
})
