import { expect } from 'vitest'
import { type LockerOptions, runLocker, startLocker } from './locker.ts'

/** Starts a run that comes once in an hour. */
export function startOncePerHour(
  name: string,
  command: readonly string[],
  options: LockerOptions = {},
  words: readonly string[] = [],
) {
  return startLocker(['--once-per', '1h', ...words, name, ...command], options)
}

/** The next run in that hour, which says `again` if it is due. */
function next(name: string, more: readonly string[], address?: string) {
  return runLocker(['--once-per', '1h', ...more, name, 'echo', 'again'], address === undefined ? {} : { address })
}

/** Whether the next one in the period is due, and if only successes count. */
export async function counts(name: string, expected: { all: boolean; success: boolean }, said: RegExp): Promise<void> {
  const ended = await next(name, [])
  expect(ended.stdout, ended.stderr).toBe(expected.all ? '' : 'again\n')
  if (expected.all) expect(ended.stderr).toMatch(said)
  if (!expected.all) return
  const onSuccess = await next(name, ['--on-success'])
  expect(onSuccess.stdout, onSuccess.stderr).toBe(expected.success ? '' : 'again\n')
}
