/** What every package says of itself. */
export const ABOUT = {
  summary: 'run a command on exactly one machine at a time',
  description: `flock for a data centre: runs a command under a lock in HashiCorp Consul,
so that it runs on exactly one machine at a time, and stops it before the
lock can be somebody else's.

Beside that: cron jobs that run once in a fleet, rollouts, leaders for
applications with failover, and machines that start in order. It is one
executable, with the Node that it runs on inside, and needs a Consul agent
to talk to.`,
  /** Who answers for a package says so by Debian's own variables. */
  maintainer: `${process.env.DEBFULLNAME ?? 'consul-locker authors'} <${process.env.DEBEMAIL ?? 'maintainers@consul-locker.invalid'}>`,
} as const

/** The names of an architecture. */
export const ARCHITECTURES = {
  x64: { deb: 'amd64', rpm: 'x86_64', tar: 'linux-x64' },
  arm64: { deb: 'arm64', rpm: 'aarch64', tar: 'linux-arm64' },
} as const

export type Architecture = keyof typeof ARCHITECTURES
