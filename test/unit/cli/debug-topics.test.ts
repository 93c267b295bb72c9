import { expect, test } from 'vitest'
import { debugTopics } from '../../../src/cli/debug-topics.ts'

test.each<[string | undefined, boolean, boolean]>([
  ...['true', '1', 'yes', 'on', '*', 'requests', 'TRUE'].map((on): [string, boolean, boolean] => [on, true, false]),
  ...[
    undefined,
    '',
    '0',
    'false',
    'no',
    'off',
    'express:*',
    'knex*',
    '-*',
    '2',
    'consul',
    'truely',
    'request',
    ',',
  ].map((off): [string | undefined, boolean, boolean] => [off, false, false]),
  ['timing', false, true],
  ['timing,requests', true, true],
  ['express:*,requests', true, false],
  ['express:* timing', false, true],
  ['0,timing', false, true],
])('DEBUG=%s shows requests: %s, phases: %s', (text, requests, timing) => {
  expect(debugTopics(text)).toEqual({ requests, timing })
})
