import { join } from 'node:path'
import { expect, test } from 'vitest'
import { wordsIn } from '../../../../scripts/provide/needed-packages.ts'

const WORDS = ['redis-server', 'postgresql-15', 'nginx']

test.each([
  ['integration/report.test.ts', []],
  ['kit/redis-server.ts', ['redis-server']],
  ['integration/leader-redis.test.ts', ['redis-server']],
  ['slow/scripts/failover-postgres.test.ts', ['postgresql-15']],
])('%s needs %j, by what it imports and runs', (file, needed) => {
  expect(wordsIn([join(import.meta.dirname, '../../..', file)], WORDS)).toEqual(needed)
})
