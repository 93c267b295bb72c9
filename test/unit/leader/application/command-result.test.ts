import { expect, test } from 'vitest'
import type { TaskEnd } from '../../../../src/child/task.ts'
import { commandResult } from '../../../../src/leader/application/command-result.ts'

const LONG = 'x'.repeat(300)

test.each<[string, TaskEnd['status'], string, { ok: boolean; said: string; message: string }]>([
  ['succeeds', { code: 0 }, 'PONG\n', { ok: true, said: 'PONG', message: 'PONG' }],
  ['fails', { code: 3 }, 'no master', { ok: false, said: 'no master', message: 'no master (exit code 3)' }],
  ['fails silently', { code: 1 }, '', { ok: false, said: '', message: 'exit code 1' }],
  ['is killed', { signal: 'SIGKILL' }, 'hm', { ok: false, said: 'hm', message: 'hm (killed by SIGKILL)' }],
  ['hangs', 'too-late', 'wait', { ok: false, said: '', message: 'wait (no end within 5s)' }],
  ['is interrupted', 'interrupted', '', { ok: false, said: '', message: 'interrupted' }],
  ['writes lines', { code: 0 }, ' a\n\tb\x1b[2J\n', { ok: true, said: 'a b [2J', message: 'a b [2J' }],
  ['is a module', { code: 0 }, 'its log\n\0fine\n', { ok: true, said: 'fine', message: 'fine' }],
])('a command that %s', (_, status, output, result) => {
  expect(commandResult({ status, output }, 5000)).toEqual(result)
})

test.each<[string, bigint | undefined]>([
  ['lag 0 B, at 50331648\n', 50331648n],
  ['4711', 4711n],
  ['log\n4711\n\0ready 18446744073709551615\n', 18446744073709551615n],
  ['\u00004711\n', 4711n],
  ['at 4711 B', undefined],
  ['at 0x4711', undefined],
  ['-5', undefined],
  ['', undefined],
  ['9'.repeat(41), undefined],
])('the last word of %j is the position %s', (output, position) => {
  for (const code of [0, 1]) expect(commandResult({ status: { code }, output }, 5000).position).toBe(position)
  expect(commandResult({ status: 'too-late', output }, 5000).position).toBeUndefined()
})

test('a command that says much is quoted in part', () => {
  expect(commandResult({ status: { code: 0 }, output: LONG }, 5000).message).toBe(`${'x'.repeat(199)}…`)
})
