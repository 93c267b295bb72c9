import { describe, expect, test } from 'vitest'
import { COMMAND_WORDS } from '../../src/cli/command-table.ts'
import { runLocker } from '../kit/locker.ts'

const COMMANDS = ['', ...COMMAND_WORDS]

async function help(word: string, option: string): Promise<string[]> {
  const ended = await runLocker([...(word === '' ? [] : [word]), option], { address: 'nowhere:1' })
  expect(ended).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^consul-locker [\s\S]*[^\n]\n$/) })
  return ended.stdout.slice(0, -1).split('\n')
}

describe.each(COMMANDS)('the help of consul-locker %s', (word) => {
  test('is whole with --help, and 80 columns wide', async () => {
    const lines = await help(word, '--help')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    const text = lines.join('\n')
    expect(text).not.toMatch(/\[(string|boolean|array|choices)|\n\n\n/)
    expect(text).toMatch(/\nExit codes/)
    expect(text).toMatch(/ {2,}--quiet| -q, --quiet/)
  })

  test('is short with -h: the usage, ten options at most, examples, and where the rest is', async () => {
    const lines = await help(word, '-h')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(lines.length).toBeLessThan(24)
    expect(lines.filter((line) => /^ {2}(-\w, | {4})--/.test(line)).length).toBeLessThanOrEqual(10)
    expect(lines).toContain('Examples:')
    expect(lines.at(-1)).toMatch(/^Everything else: consul-locker( [a-z]+)* --help$/)
    expect(lines.join('\n')).not.toMatch(/\[(string|boolean|array|choices)|\n\n\n/)
  })
})
