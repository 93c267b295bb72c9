import type { Context } from '../../src/base/context.ts'
import { Consul } from '../../src/consul/consul.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { acquire } from '../../src/lock/acquire.ts'
import type { AcquireOptions, HeldLock, LockSpec, NotHeld } from '../../src/lock/acquire-options.ts'
import { Hold } from '../../src/lock/hold.ts'
import { planTiming } from '../../src/lock/lease-timing.ts'
import { release } from '../../src/lock/release.ts'
import { writerAmong } from '../../src/lock/writer.ts'
import { FaultyTransport, type Policy } from './faulty-transport.ts'
import { NO_SETTINGS } from './settings.ts'
import { SILENT } from './silent-log.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface VirtualLockOptions {
  readonly key?: string
  /** What the wire does to each request, until it meets something else; nothing by default. */
  readonly fateOf?: Policy
  /** How long the servers' log takes for a transaction, in milliseconds. */
  readonly commitMs?: () => number
}

/** One lock at an agent in memory, on a virtual clock, and any number of contenders for it. */
export function virtualLock({ key = 'consul-locker-virtual', fateOf = () => ({}), commitMs }: VirtualLockOptions = {}) {
  const clock = new VirtualClock()
  const agent = new DevAgent({ clock, random: () => 0.5, ...(commitMs && { commitMs }) })
  const ctx: Context = { clock, log: SILENT, signal: new AbortController().signal, random: () => 0.5 }
  let policy = fateOf
  const requests: string[] = []
  const wire: Policy = (request) => {
    requests.push(`${request.method} ${request.path}`)
    return policy(request)
  }
  const consul = () => new Consul(NO_SETTINGS, new FaultyTransport(agent.transport(), clock, wire))
  const timing = planTiming({})
  const spec: LockSpec = {
    name: 'virtual',
    key,
    sessionName: 'virtual',
    record: () => JSON.stringify({ host: 'here', lockDelayMs: timing.lockDelayMs }),
    timing,
    ancestors: [],
    amongHolders: writerAmong,
  }
  const options: AcquireOptions = { ...spec, once: false, onSession() {} }
  return {
    key,
    clock,
    ctx,
    consul,
    timing,
    spec,
    operator: agent.operator,
    /** All that was asked, in its order. */
    requests,
    /** From now on the wire does this to requests. */
    meet(next: Policy) {
      policy = next
    },
    /** Begins to wait for it; what isn't told is as above. */
    acquire: (about: Partial<AcquireOptions> = {}, as: Context = ctx) =>
      acquire(as, consul(), { ...options, ...about }),
    release: (held: HeldLock) => release(ctx, consul(), held),
  }
}

/** The lock, which nobody else can have. */
export function won(end: HeldLock | NotHeld): HeldLock {
  if (typeof end === 'string') throw new Error('the lock is taken')
  return end
}

/** What is ours there, watched over since a second ago; `end` ends that. */
export async function watchedOver<L extends Pick<ReturnType<typeof virtualLock>, 'ctx' | 'consul' | 'clock'>>(
  all: L,
  ours: HeldLock,
) {
  const hold = new Hold(all.ctx, all.consul(), ours)
  await all.clock.advance(1000)
  return {
    ...all,
    ours,
    hold,
    async end() {
      await hold.end()
      ours.session.end()
    },
  }
}
