import { execFileSync } from 'node:child_process'
import { beforeAll } from 'vitest'
import { LOCKER, lockerEnvironment, runLocker } from './locker.ts'
import { uniqueName } from './unique.ts'

export const leaseWords = (verb: string, label: string, id: string) => [
  'lease',
  verb,
  '--label',
  label,
  '--service-id',
  id,
]

export const acquire = (label: string, id: string, ...more: string[]) =>
  runLocker([...leaseWords('acquire', label, id), ...more])

export async function holderOf(label: string): Promise<string | undefined> {
  const { stdout } = await runLocker(['lease', 'show', '--label', label, '--json'])
  return JSON.parse(stdout).serviceId
}

/** Taken before the first test, so that its last one needs no waiting of its own. */
export const old = uniqueName('old')

beforeAll(() => {
  const args = [...leaseWords('acquire', old, 'web-1'), '--lease-timeout', '20s', '--quiet']
  execFileSync(LOCKER, args, { env: lockerEnvironment({}) })
})
