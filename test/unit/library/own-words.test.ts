import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { asLibraryError } from '../../../src/library/as-library-error.ts'
import { isConsulLockerError } from '../../../src/library/errors.ts'
import { inOurWords } from '../../../src/library/own-words.ts'

/** Where sentences come from that a program hears. */
const SPEAKERS = ['lock', 'consul', 'gate', 'run/history/period*', 'discovery/{label,hosts,healthy-hosts}*'].flatMap(
  (room) => globSync(`src/${room.includes('*') ? room : `${room}/**`}`).filter((file) => file.endsWith('.ts')),
)

/** What a sentence tells to type, and what only a command takes. */
const COMMANDS = ['--all', '--service-id']

test('every option that a sentence names has a name for programs', () => {
  const lines = SPEAKERS.flatMap((file) => readFileSync(file, 'utf8').split('\n')).filter(
    (line) => !/^\s*(\*|\/)/.test(line),
  )
  const named = new Set(lines.flatMap((line) => line.match(/--[a-z]+(?:-[a-z]+)*/g) ?? []))
  expect(named.size).toBeGreaterThan(10)
  expect([...named].filter((word) => inOurWords(word) === word && !COMMANDS.includes(word))).toEqual([])
})

test('a failure is told as an error: its code, words for programs, what may help, and why', () => {
  const cause = new Error('403')
  const error = asLibraryError(new Failure('refused', 'no\u001b[31m', { hint: 'see --token-file', cause }))
  expect(isConsulLockerError(error, 'denied')).toBe(true)
  expect(error).toMatchObject({ message: String.raw`no\u001b[31m`, hint: 'see consul.tokenFile', cause })
})

test('what is no failure of ours stays as it is', () => {
  const own = new RangeError('mine')
  expect(asLibraryError(own)).toBe(own)
})
