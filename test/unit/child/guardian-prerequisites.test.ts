import { afterEach, describe, expect, test } from 'vitest'
import { checkGuardianPrerequisites, withWayOut } from '../../../src/child/guardian-prerequisites.ts'

const { execPath } = process

afterEach(() => {
  process.execPath = execPath
})

describe('what a guardian needs', () => {
  test('is there on this machine, whatever the PATH', () => {
    for (const path of [undefined, '', '/nowhere']) expect(() => checkGuardianPrerequisites(path)).not.toThrow()
  })

  test.each(['/lib64/ld-linux-x86-64.so.2', '/lib/ld.so', '/lib/ld-musl-x86_64.so.1'])(
    'is an executable of ours, and no loader such as %s',
    (loader) => {
      process.execPath = loader
      expect(() => checkGuardianPrerequisites('', 'do without')).toThrow(
        expect.objectContaining({
          code: 'usage',
          message: `the guardian could not start ${loader}: it is a loader`,
          hint: expect.stringMatching(/^put the executable where programs may run, .*; or do without$/),
        }),
      )
    },
  )

  test.each(['/opt/ldap', '/opt/old-node', '/lib/ld-linux/node'])('may have any other name: %s', (name) => {
    process.execPath = name
    expect(() => checkGuardianPrerequisites()).not.toThrow()
  })
})

test('what helps is said with what else does, if there is such a thing', () => {
  expect(withWayOut('install it', undefined)).toBe('install it')
  expect(withWayOut('install it', 'do without')).toBe('install it; or do without')
})
