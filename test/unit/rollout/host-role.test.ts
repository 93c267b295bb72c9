import { expect, test } from 'vitest'
import { roleInName, roleOf } from '../../../src/rollout/host-role.ts'
import { parseRolloutFile } from '../../../src/rollout/rollout-file.ts'

test.each([
  ['cp12-x', 'cp'],
  ['web1', 'web'],
  ['ocdb', 'ocdb'],
  ['Web3.example.com', 'Web'],
  ['my-web1', 'web'],
])('the host %s is a %s', (host, role) => {
  expect(roleInName(host)).toBe(role)
})

test.each([
  ['ora7', 'db'],
  ['pg-main', 'db'],
  ['pg1', 'pg'],
  ['web1', 'edge'],
  ['web10', 'web'],
  ['mail1', 'mail'],
])('by patterns, of which the first counts, %s is a %s', (host, role) => {
  const file = parseRolloutFile('r.yaml', "role_patterns: {db: ['^ora\\d', '^pg-'], edge: '^web[1-3]$', other: '^ora'}")
  expect(roleOf(file, host)).toBe(role)
})

test.each([
  ["role_patterns: {db: '('}", /role_patterns.*a regular expression/],
  ["roles: [web]\nrole_patterns: {db: '^ora'}", /role_patterns: db is none of the roles: web/],
])('%j is refused', (text, complaint) => {
  expect(() => parseRolloutFile('r.yaml', text)).toThrow(complaint)
})
