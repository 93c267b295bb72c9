import { expect, test } from 'vitest'
import { judgeMemory, judgeOpenFiles, judgeProcesses } from '../../../../src/doctor/machine/limit-inspections.ts'

test.each([
  [undefined, 'warning'],
  [Number.POSITIVE_INFINITY, 'fine'],
  [1024, 'fine'],
  [64, 'fine'],
  [63, 'warning'],
  [32, 'warning'],
  [31, 'failure'],
])('open files, %j: %s', (limit, mark) => expect(judgeOpenFiles(limit).mark).toBe(mark))

test.each([
  [[], 'fine'],
  [[{ whose: 'this user', limit: 100, used: 10 }], 'fine'],
  [[{ whose: 'this user', limit: 100, used: 70 }], 'warning'],
  [
    [
      { whose: 'this user', limit: 4000, used: 10 },
      { whose: 'this control group', limit: 20, used: 15 },
    ],
    'failure',
  ],
  [[{ whose: 'this user', limit: 10, used: 90 }], 'failure'],
])('processes, %j: %s', (bounds, mark) => expect(judgeProcesses(bounds).mark).toBe(mark))

test.each([
  [[], 'warning'],
  [[{ whose: 'this machine', free: 4e9 }], 'fine'],
  [[{ whose: 'this machine', free: 1e8 }], 'warning'],
  [
    [
      { whose: 'this machine', free: 4e9 },
      { whose: 'this control group', free: 3e7 },
    ],
    'failure',
  ],
])('memory, %j: %s', (places, mark) => expect(judgeMemory(places).mark).toBe(mark))
