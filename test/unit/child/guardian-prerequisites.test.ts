import { afterEach, describe, expect, test } from 'vitest'
import { GUARDIAN_PATH, GUARDIAN_PROGRAMS } from '../../../src/child/guardian-arguments.ts'
import { checkGuardianPrerequisites, withWayOut } from '../../../src/child/guardian-prerequisites.ts'

const { execPath } = process

afterEach(() => {
  process.execPath = execPath
})

describe('what a guardian needs', () => {
  test('is there on this machine, whatever the PATH', () => {
    for (const path of [undefined, '', '/nowhere']) expect(() => checkGuardianPrerequisites(path)).not.toThrow()
  })

  const [FOLDER] = GUARDIAN_PATH.split(':')
  const lacking = (missing: string) => (file: unknown) => file !== missing && !`${file}`.endsWith(`/${missing}`)

  test.each<[string, string]>([
    ['/bin/sh', 'install a shell: dash or busybox'],
    ['/dev/null', 'make it: mknod -m 666 /dev/null c 1 3'],
    ['/proc/self/stat', 'mount it: mount -t proc proc /proc'],
    ...GUARDIAN_PROGRAMS.map((program) => [program, 'install it, or a busybox of that name'] as [string, string]),
  ])('is missed by its name, with what helps: %s', (missing, hint) => {
    expect(() => checkGuardianPrerequisites('', undefined, lacking(missing))).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: `the guardian needs ${missing}, which is not there`,
        hint,
      }),
    )
  })

  test.each([
    ['', `${FOLDER}/`, true],
    ['/opt/bin:/opt/tools', '/opt/tools/', true],
    ['/opt/bin::/opt/tools', './', true],
    ['/opt/bin', '/opt/other/', false],
  ])('may be in any folder of the PATH: of %j in %s', (path, folder, isFound) => {
    const exists = (file: unknown) => /^\/(?:bin\/sh|dev|proc)/.test(`${file}`) || `${file}`.startsWith(folder)
    const check = () => checkGuardianPrerequisites(path, undefined, exists)
    if (isFound) expect(check).not.toThrow()
    else expect(check).toThrow(`needs ${GUARDIAN_PROGRAMS[0]}`)
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

  test('is an executable of ours that may run', () => {
    expect(() => checkGuardianPrerequisites('', undefined, undefined, '/dev/null')).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: expect.stringContaining(`could not start ${execPath}: permission denied`),
        hint: 'put the executable where programs may run, and start it by its own name',
      }),
    )
  })

  test.each(['/opt/ldap', '/opt/old-node', '/lib/ld-linux/node'])('may have any other name: %s', (name) => {
    process.execPath = name
    expect(() => checkGuardianPrerequisites()).not.toThrow()
  })
})

test('what helps is said with what else does, if there is such a thing', () => {
  expect(withWayOut('install it', undefined)).toBe('install it')
  expect(withWayOut('install it', 'do without')).toBe('install it; or do without')
})
