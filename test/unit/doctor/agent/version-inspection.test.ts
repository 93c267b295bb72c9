import { expect, test } from 'vitest'
import { judgeVersion } from '../../../../src/doctor/agent/version-inspection.ts'

test.each([
  ['0.6.4', 'failure'],
  ['0.7.0', 'warning'],
  ['1.8.6', 'warning'],
  ['1.8.7', 'fine'],
  ['1.8.7+ent', 'fine'],
  ['v1.9.0-beta1', 'fine'],
  ['1.21.3', 'fine'],
  ['2.0.0', 'fine'],
  ['', 'warning'],
  ['new', 'warning'],
])('Consul %s: %s', (version, mark) => expect(judgeVersion(version).mark).toBe(mark))
