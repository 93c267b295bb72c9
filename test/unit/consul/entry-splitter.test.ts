import { describe, expect, test } from 'vitest'
import { EntrySplitter } from '../../../src/consul/entry-splitter.ts'

const ENTRIES = [
  { LockIndex: 0, Key: 'plain', Flags: '0', Value: null, CreateIndex: 1, ModifyIndex: 1 },
  { LockIndex: 1, Key: '}{"][,\\ {"}', Flags: '3304740253564472344', Value: 'e30=', CreateIndex: 2, ModifyIndex: 3 },
  { LockIndex: 0, Key: 'ключ-主-😀', Flags: '16210313421097356768', Value: 'eA==', CreateIndex: 2, ModifyIndex: 3 },
]
/** As Consul writes it: flags are numbers. */
const TEXT = JSON.stringify(ENTRIES).replace(/"Flags":"(\d+)"/g, '"Flags":$1')

/** What is found in these chunks. */
function split(...chunks: (string | Buffer)[]): unknown[] {
  const found: unknown[] = []
  const splitter = new EntrySplitter(
    (what) => new Error(what),
    (json) => found.push(json),
  )
  for (const chunk of chunks) splitter.push(Buffer.from(chunk))
  splitter.end()
  return found
}

describe('the entries of a list', () => {
  test('are found, wherever the chunks are cut', () => {
    const bytes = Buffer.from(TEXT)
    for (let at = 1; at < bytes.length; at++) {
      expect(split(bytes.subarray(0, at), bytes.subarray(at))).toEqual(ENTRIES)
    }
    expect(split(...[...bytes].map((byte) => Buffer.from([byte])))).toEqual(ENTRIES)
  })

  test('may be none, and may be written with space', () => {
    expect(split('[]')).toEqual([])
    expect(split('[\n]\n')).toEqual([])
    expect(split(JSON.stringify(ENTRIES, null, 2))).toEqual(ENTRIES)
  })

  test('are received before the list has ended', () => {
    const found: unknown[] = []
    const splitter = new EntrySplitter(
      (what) => new Error(what),
      (json) => found.push(json),
    )
    splitter.push(Buffer.from(TEXT.slice(0, TEXT.indexOf('}') + 1)))
    expect(found).toEqual([ENTRIES[0]])
  })

  test.each([
    ['no list', '{"a":1}'],
    ['a page', '<html>{}</html>'],
    ['half a list', TEXT.slice(0, -1)],
    ['a list cut within an entry', TEXT.slice(0, -20)],
    ['texts between the entries', '[{"a":1} and {"b":2}]'],
    ['brackets without an end', `[${'{"a":"'}${'}'.repeat(2000)}`],
    ['an entry without an end', `[{"a":"${'x'.repeat(2_000_000)}`],
    ['nothing', ''],
  ])('are none where there is %s', (_, text) => {
    expect(() => split(text)).toThrow()
  })
})
