import { type LockerOptions, patiently, runLocker, startLocker } from './locker.ts'

export const FAST = ['--interval', '0.3s', '--timeout', '5s']

export const monitorWords = (label: string, ...more: string[]) => [
  'monitor',
  '--label',
  label,
  '--service-id',
  'web-1',
  ...more,
]

export function watch(label: string, args: readonly string[], options: LockerOptions = {}) {
  return startLocker(monitorWords(label, ...FAST, ...args), options)
}

export const hosts = async (label: string, options: LockerOptions = {}) =>
  (await runLocker(['hosts', '--label', label, '--quiet'], options)).stdout

/** Waits until the label has a healthy host, or none. */
export function becomes(label: string, state: 'up' | 'out', options: LockerOptions = {}): Promise<unknown> {
  return patiently(
    async () => ((await hosts(label, options)) === '' ? 'out' : 'up') === state,
    () => `${label} is not ${state}`,
  )
}
