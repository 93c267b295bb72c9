import { describe, expect, test } from 'vitest'
import { storedAs } from '../../../../src/consul/stored-value.ts'
import { NOTE, type Note, noteText, shortfall } from '../../../../src/leader/application/note.ts'

const NOTED: Note = { node: 'n1', history: 'a', position: 9_007_199_254_740_993n, slack: 10n }

test('a note survives Consul with all its digits', () => {
  expect(storedAs(NOTE, noteText(NOTED))).toEqual(NOTED)
})

test.each([
  '{}',
  '1',
  'null',
  '{"node":"n1","history":"a","position":7,"slack":"0"}',
  '{"node":"n1","history":"a","position":"-1","slack":"0"}',
])('%s is no note', (text) => {
  expect(storedAs(NOTE, text)).toBeUndefined()
})

describe('who has less than was noted', () => {
  test.each([
    [['a'], 0n, true],
    [['a'], -10n, true],
    [['a'], -11n, false],
    [['b', 'a'], 0n, true],
    [['b'], 1000n, false],
    [[], 0n, false],
  ] as const)('histories %j at %i beyond it: may lead: %j', (histories, beyond, mayLead) => {
    expect(shortfall({ histories, position: NOTED.position + beyond }, NOTED) === undefined).toBe(mayLead)
  })
})
