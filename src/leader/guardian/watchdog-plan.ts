import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatDuration } from '../../base/duration.ts'
import { Failure } from '../../base/failure.ts'
import { DRIFT, MARGIN_MS, type Timing } from '../../lock/lease-timing.ts'

/** The key `watchdog` of an agent's file. */
export interface WatchdogSettings {
  readonly mode: 'off' | 'automatic' | 'required'
  readonly device: string
  /** What the kernel tells of the device; Documentation/ABI/testing/sysfs-class-watchdog. */
  readonly sysfs: string
}

/**
 * Looks whether the machine's watchdog can be relied on. Its timeout is the driver's own: to set it takes an ioctl,
 * which is `wdctl`'s. Throws a `config` failure when there is none, when it can't be disarmed, or when it would fire
 * only after somebody else may have the lock: the last sign of life is given when the lease ends, so TTL + timeout + a
 * tenth + margin must not be more than the lock-delay. Settles with a warning when it would fire before a demotion is
 * over.
 */
export function checkWatchdog({ device, sysfs }: WatchdogSettings, timing: Timing): string | undefined {
  const { ttlMs, graceMs, lockDelayMs } = timing
  const mostMs = Math.floor((lockDelayMs - MARGIN_MS) / (1 + DRIFT) / 1000) * 1000 - ttlMs
  const timeoutMs = 1000 * Number(read(join(sysfs, 'timeout'), device, mostMs))
  if (read(join(sysfs, 'nowayout'), device, mostMs, '0') !== '0') {
    throw new Failure('config', `the watchdog ${device} can't be disarmed: each hand-over would reset the machine`, {
      hint: 'load its driver with nowayout=0',
    })
  }
  const say = formatDuration
  if (!(timeoutMs > 0) || timeoutMs > mostMs) {
    throw new Failure(
      'config',
      `the watchdog ${device} fires after ${say(timeoutMs)}, and others may be master by then`,
      {
        hint: `it must be ${say(mostMs)} at most: wdctl --settimeout ${mostMs / 1000} ${device}, or a longer lock_delay`,
      },
    )
  }
  if (timeoutMs >= graceMs) return undefined
  return `the watchdog ${device} fires after ${say(timeoutMs)}, though a demotion may take ${say(graceMs)}`
}

function read(path: string, device: string, mostMs: number, otherwise?: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (thrown) {
    if (otherwise !== undefined) return otherwise
    throw new Failure('config', `there is no watchdog that tells its timeout at ${path}`, {
      hint: `without hardware for ${device}: modprobe softdog soft_margin=${mostMs / 1000}`,
      cause: thrown,
    })
  }
}
