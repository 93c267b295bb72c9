import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { crontabLine } from '../../../src/schedule/crontab-line.ts'

const schedule = '7 * * * *'

/**
 * What cron makes of a command (do_command.c of Vixie's): two backslashes are one, and an escaped percent sign is one.
 */
const vixie = (command: string) => command.replaceAll(/\\([\\%])|(%.*$)/g, (_, escaped = '') => escaped)
/** Some take the backslash before a percent sign away, and no other. */
const percentOnly = (command: string) => command.replaceAll(/\\%|(%.*$)/g, (found) => (found === '\\%' ? '%' : ''))
/** busybox's crond gives the line to the shell as it stands. */
const verbatim = (command: string) => command

/** The words that arrive behind cron's shell. */
function arrived(words: readonly string[], cron: (command: string) => string): string[] {
  const line = crontabLine({ schedule, words: ['/usr/bin/printf', String.raw`%s\0`, ...words] })
  const command = cron(line.slice(schedule.length + 1))
  const { stdout } = spawnSync('/bin/sh', ['-c', command], {
    encoding: 'utf8',
    env: { HOME: '/', LOGNAME: 'root', SHELL: '/bin/sh', PATH: '/usr/bin:/bin' },
  })
  return stdout.split('\0').slice(0, -1)
}

const WORDS = [
  'plain',
  '',
  'two words',
  ' ',
  `it's`,
  `'`,
  `''`,
  `"double" 'single'`,
  '$HOME $(id) `id`',
  '%',
  '%%',
  'date +%Y-%m-%d',
  String.raw`\%`,
  String.raw`\\%`,
  String.raw`%\%\\%'\'%`,
  '\\',
  String.raw`\\`,
  String.raw`\\\\`,
  String.raw`a\nb\'c\\'`,
  'tab\there',
  '~ * ? [a-z] {a,b} ! # & ; | < > ( )',
  '#comment',
  '~root',
  'a=b',
  'äöü €',
]

describe.each([
  ['Vixie’s', vixie],
  ['one that knows percent signs only', percentOnly],
  ['busybox’s', verbatim],
])('a line of a crontab, by %s cron and its shell', (_, cron) => {
  test.each(WORDS)('gives the command the word %j', (word) => expect(arrived([word], cron)).toEqual([word]))

  test('gives it all words', () => expect(arrived(WORDS, cron)).toEqual(WORDS))
})

test('a user stands before the command', () => {
  expect(crontabLine({ schedule: '@daily', user: 'root', words: ['/bin/a', 'b'] })).toBe('@daily root /bin/a b')
})

test.each(['two\nlines', '\r', '\u001b[2J', '\u0000', '\u0085'])('the word %j is refused', (word) => {
  expect(() => crontabLine({ schedule, words: ['/bin/echo', word] })).toThrow("can't hold the word")
})

test('a command that is too long for Debian’s cron is refused', () => {
  expect(crontabLine({ schedule, words: ['/bin/echo', 'x'.repeat(989)] })).toHaveLength(999 + schedule.length + 1)
  expect(() => crontabLine({ schedule, words: ['/bin/echo', 'x'.repeat(990)] })).toThrow('1000 bytes')
  expect(() => crontabLine({ schedule, words: ['/bin/echo', 'ä'.repeat(500)] })).toThrow('bytes')
})

test.each(['', 'two words', '-x', 'root\n', 'a:b'])('%j is no user', (user) => {
  expect(() => crontabLine({ schedule, user, words: ['/bin/true'] })).toThrow('no name of a user')
})
