import { expect, test } from 'vitest'
import { isOwn } from '../../../src/init/local-agent.ts'

const OWN = ['127.0.0.1', '10.0.0.5', 'fd00::5']

test.each([
  ['http://localhost:8500', true, '203.0.113.7', true], // It advertises an address that it is seen at from afar.
  ['http://10.0.0.5:8500', false, '203.0.113.7', true],
  ['http://[fd00::5]:8500', false, '', true],
  ['https://consul.example:8501', false, '10.0.0.5', true],
  ['https://consul.example:8501', false, '10.0.0.6', false],
  ['http://10.0.0.6:8500', false, '10.0.0.6', false],
  ['http://10.0.0.6:8500', false, '', false],
])('the agent at %s (local: %s), which is seen at %j, is ours: %s', (origin, isLocal, advertised, ours) => {
  expect(isOwn({ origin, isLocal }, advertised, OWN)).toBe(ours)
})
