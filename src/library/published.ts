/** What the package `consul-locker` exports. */
export { acquire } from './acquire-lock.ts'
export {
  ConsulLockerError,
  type ErrorCode,
  isConsulLockerError,
  isLockLost,
  LockLost,
  type LossName,
} from './errors.ts'
export { type GatesOptions, gates } from './gates.ts'
export type { Duration } from './given-duration.ts'
export type { Held, Lock } from './held.ts'
export type { LogCallback, LogLevel } from './log-callback.ts'
export type { LockOptions } from './options.ts'
export { type Host, type HostsOptions, hosts } from './service-hosts.ts'
export { type ConsulConnection, type ConsulOptions, connect } from './shared-connection.ts'
export { type WithLockOptions, withLock } from './with-lock.ts'
