import { describe, expect, test } from 'vitest'
import {
  describeHolder,
  heldFence,
  holderRecord,
  lockDelayOf,
  parseHolderRecord,
  parseWaiterRecord,
  recordedCommand,
  recordSince,
  turnIn,
  waiterRecord,
  waitsForMore,
  withTurn,
} from '../../../src/lock/holder-record.ts'

const now = Date.parse('2026-05-04T10:00:00Z')
const full = {
  host: 'web3',
  pid: 812,
  user: 'deploy',
  command: ['./bootstrap.sh', '--all'],
  since: '2026-05-04T09:55:48Z',
  runId: 'r',
  lockDelayMs: 22_000,
}

const { pid: _, user: __, since: ___, ...rest } = full

describe("a key's value", () => {
  test.each([
    ['our own record', JSON.stringify(full), full],
    ["the Bash original's host name", 'web3.example\n', { host: 'web3.example' }],
    ['nothing', '', {}],
    ['a sentence', 'do not touch!', {}],
    ['a list', '[1]', {}],
    ['null', 'null', {}],
    ['a host that is called like a number', '4711', { host: '4711' }],
    ['a host without a name', '{"host":"","pid":812}', { pid: 812 }],
    ['a record with some fields that are none', JSON.stringify({ ...full, pid: -1, user: {}, since: 'soon' }), rest],
    ['a record with fields of others', JSON.stringify({ ...full, __proto__: 1, node: 'n1', toString: 5 }), full],
    ['a record as long as a book', JSON.stringify({ ...full, note: 'w'.repeat(10_000) }), {}],
    ['a record of no lock-delay', '{"host":"web3","lockDelayMs":0}', { host: 'web3', lockDelayMs: 0 }],
    ['a record of process 0', JSON.stringify({ ...full, pid: 0, user: {}, since: 7 }), rest],
    ['a record of a command with something else in it', '{"host":"web3","command":["a",5]}', { host: 'web3' }],
    ['a record just short enough', JSON.stringify({ host: 'web3', x: 'w'.repeat(8170) }), { host: 'web3' }],
    ['brackets', `{"host":"web3","command":${'['.repeat(3000)}${']'.repeat(3000)}}`, { host: 'web3' }],
    ['brackets without an end', '['.repeat(150_000), {}],
    ['half of a record', JSON.stringify(full).slice(0, 30), {}],
    ['a very long word', 'w'.repeat(254), {}],
  ])('that is %s', (_, value, record) => {
    expect(parseHolderRecord(value)).toEqual(record)
  })

  test.each([
    ['our own record', JSON.stringify(full), 22_000],
    ['a host name', 'web3', 0],
    ['a record with nonsense', '{"lockDelayMs":"soon"}', 0],
    ['a record from somebody in no hurry', '{"lockDelayMs":2e9}', 0],
    ['a record of a delay backwards', '{"lockDelayMs":-5}', 0],
    ['a record of no delay at all', '{"lockDelayMs":0}', 0],
    ['a record of the longest', '{"lockDelayMs":60000}', 60_000],
    ['a record of a number in quotes', '{"lockDelayMs":"20000"}', 0],
    ['null', 'null', 0],
    ['nothing', '', 0],
  ])('that is %s tells the lock-delay', (_, value, ms) => {
    expect(lockDelayOf(value)).toBe(ms)
  })

  test.each([
    ['our own record', JSON.stringify(full), 'held by web3 (pid 812, ./bootstrap.sh --all) for 4m12s'],
    ['a host name', 'web3', 'held by web3'],
    ['nothing', '', 'held by someone who left no name'],
    ['null', 'null', 'held by someone who left no name'],
    ['a record without a command', '{"host":"web3","pid":812}', 'held by web3 (pid 812)'],
    ['a record from the future', '{"host":"web3","since":"2030-01-01T00:00:00Z"}', 'held by web3 for 0ms'],
    ['a record with a date that is none', '{"host":"web3","since":"yesterday"}', 'held by web3'],
    ['a record with wrong kinds', '{"host":5,"pid":"x","command":"y"}', 'held by someone who left no name'],
    ['a record with odd words in it', '{"host":"web3","command":[null,{}]}', 'held by web3'],
  ])('that is %s describes the holder', (_, value, sentence) => {
    expect(describeHolder(value, now)).toBe(sentence)
  })

  test("can't break our line or write escape sequences on a terminal", () => {
    const evil = { host: 'web3\u001b]0;title\u0007', command: ['a\nb', '\u001b[31mred', '\u009b1m', 'c'.repeat(500)] }
    const sentence = describeHolder(JSON.stringify(evil), now)
    expect(sentence).not.toMatch(/\p{C}/u)
    expect(sentence.length).toBeLessThan(150)
  })
})

describe('the record of a holder', () => {
  const since = '2026-05-04T10:00:00.000Z'
  const record = JSON.stringify({ ...full, kept: true })

  test('says who holds the lock since when, and what a mode tells beside it', () => {
    const holder = { host: 'web3', pid: 812, user: 'deploy', command: ['./bootstrap.sh'], runId: 'r' }
    const text = holderRecord(holder, { lockDelayMs: 22_000 }, now, { kept: true })
    expect(JSON.parse(text)).toEqual({ ...holder, since, lockDelayMs: 22_000, kept: true })
    expect(JSON.parse(holderRecord(holder, { lockDelayMs: 0 }, now))).toEqual({ ...holder, since, lockDelayMs: 0 })
  })

  test('has its ticket, if it has one', () => {
    expect([withTurn(record, undefined), withTurn('web3', undefined)]).toEqual([record, 'web3'])
    expect(JSON.parse(withTurn(record, 7))).toEqual({ ...full, kept: true, turn: 7 })
    expect(JSON.parse(withTurn('web3', 7))).toEqual({ turn: 7 })
    expect([turnIn(withTurn(record, 7)), turnIn(record), turnIn('')]).toEqual([7, undefined, undefined])
  })

  test('counts from when the lock was handed on; what is none is left', () => {
    expect(JSON.parse(recordSince(record, now) ?? '')).toEqual({ ...full, kept: true, since })
    for (const value of ['', 'web3', '{"host":"web3"}']) expect(recordSince(value, now)).toBeUndefined()
  })

  test.each([
    [{}, 9],
    [{ fence: 5 }, 5],
    [{ fence: 10 }, 9],
    [{ fence: 0 }, 9],
    [{ fence: '5' }, 9],
  ])('with %j, of a key written at 9 last, has the fence %i', (left, fence) => {
    expect(heldFence({ value: JSON.stringify({ ...full, ...left }), modifyIndex: 9 })).toBe(fence)
  })
})

describe('what is recorded of a command', () => {
  test.each<[[string, ...string[]], boolean, string[]]>([
    [['mysqldump', '-pS3cret', 'db'], false, ['mysqldump']],
    [['mysqldump', '--all', 'db'], true, ['mysqldump', '--all', 'db']],
    [['p'.repeat(600)], false, [`${'p'.repeat(512)}…`]],
    [['p', 'a'.repeat(511), 'b'], true, ['p', 'a'.repeat(511)]],
    [['p', 'a'.repeat(512), 'b'], true, ['p', `${'a'.repeat(511)}…`]],
  ])('of %j, with its arguments: %s', (command, withArguments, words) => {
    expect(recordedCommand(command, withArguments)).toEqual(words)
  })
})

describe('the record of who waits', () => {
  const sinceMs = Date.parse('2026-05-04T10:00:00Z')

  test('is what it would hold with, but since when it waits', () => {
    const { host, pid, user, command } = full
    const told = { host, pid, user, command: [command.join(' ')], since: '2026-05-04T10:00:00.000Z' }
    expect(parseWaiterRecord(waiterRecord(JSON.stringify(full), sinceMs, false))).toEqual(told)
    expect(parseWaiterRecord(waiterRecord(JSON.stringify(full), sinceMs, true))).toEqual({ ...told, also: true })
  })

  test.each<[string, object]>([
    ['a long command', { command: ['x'.repeat(512)] }],
    ['long names', { host: 'h'.repeat(253), user: 'u'.repeat(255), command: ['x'.repeat(512)] }],
    ['names in other letters', { host: '主'.repeat(100), user: '機'.repeat(100), command: ['械'.repeat(300)] }],
    ['names that JSON escapes', { user: '\u0000'.repeat(200), command: ['"'.repeat(400)] }],
    ['halves of letters', { user: '\ud83d'.repeat(200) }],
  ])('is no longer than 256 bytes, with %s', (_, odd) => {
    const text = waiterRecord(JSON.stringify({ ...full, ...odd }), sinceMs, true)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(256)
    expect(parseWaiterRecord(text)).toMatchObject({ pid: 812, since: '2026-05-04T10:00:00.000Z', also: true })
  })

  test('is cut no more than it must be', () => {
    const held = JSON.stringify({ ...full, host: 'h'.repeat(64), command: ['x'.repeat(512)] })
    expect(parseWaiterRecord(waiterRecord(held, sinceMs, false))).toEqual({
      ...{ host: 'h'.repeat(64), pid: 812, user: 'deploy', command: [`${'x'.repeat(64)}…`] },
      since: '2026-05-04T10:00:00.000Z',
    })
  })

  test.each([
    ['also', { also: true }],
    ['', {}],
    ['rubbish!', {}],
    ['{"also":1}', {}],
    ['[{"also":true}]', {}],
    [JSON.stringify({ note: 'x'.repeat(10_000), also: true }), {}],
  ])('of others is understood as far as it goes: %j', (value, told) => {
    expect(parseWaiterRecord(value)).toStrictEqual(told)
    expect(waitsForMore(value)).toBe('also' in told)
  })
})
