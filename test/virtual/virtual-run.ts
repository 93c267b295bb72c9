import { sleep } from '../../src/base/abort.ts'
import type { Context } from '../../src/base/context.ts'
import { Failure } from '../../src/base/failure.ts'
import type { Child, LaunchRequest } from '../../src/child/child.ts'
import type { ExitStatus } from '../../src/child/exit-status.ts'
import type { Guardian } from '../../src/child/guardian.ts'
import type { ForwardedSignal } from '../../src/child/signals.ts'
import { holderRecord } from '../../src/lock/holder-record.ts'
import type { LeaseStatus } from '../../src/run/lease-socket.ts'
import { run } from '../../src/run/run.ts'
import type { RunDependencies, RunSpec } from '../../src/run/run-spec.ts'
import type { Policy } from './faulty-transport.ts'
import { SILENT } from './silent-log.ts'
import { virtualLock } from './virtual-lock.ts'

/** What is other than usual about a run. */
export interface VirtualRunOptions {
  /** Whether KILL ends the command. */
  readonly isKillable?: boolean
  /** How long the command takes to end once it is told to, in milliseconds. */
  readonly endsInMs?: number
  readonly about?: Partial<RunSpec>
  readonly dependencies?: Partial<RunDependencies>
}

/** Runs a command that lives on until it is told to end, and writes down what its guardian and its user are told. */
export function virtualRun() {
  let fateOf: Policy = () => ({})
  const requests: string[] = []
  const lock = virtualLock({
    fateOf: (request) => {
      requests.push(`${request.method} ${request.path}`)
      return fateOf(request)
    },
  })
  const lines: string[] = []
  const tell = (line: string) => void lines.push(line)
  const ctx: Context = { ...lock.ctx, log: { ...SILENT, notice: tell, warn: tell, error: tell } }
  const orders: string[] = []
  const failed = new AbortController()
  const guardian: Guardian = {
    async ready() {},
    setSession: () => void orders.push('session'),
    arm: (group, ms, restMs) => void orders.push(['arm', group, ms, restMs].join(' ').trim()),
    disarm: () => void orders.push('disarm'),
    handOver: () => void orders.push('handOver'),
    dismiss: () => void orders.push('dismiss'),
    failed: failed.signal,
  }
  const exit = Promise.withResolvers<ExitStatus>()
  const empty = Promise.withResolvers<void>()
  const launches: Omit<LaunchRequest, 'command'>[] = []
  const signals: string[] = []
  const stops: string[] = []
  const listeners = new Set<(signal: ForwardedSignal) => void>()
  const send = (signal: ForwardedSignal) => listeners.forEach((listener) => void listener(signal))
  const leases: (() => LeaseStatus)[] = []
  let leasesOpen = 0
  const begin = ({ isKillable = true, endsInMs = 0, about = {}, dependencies = {} }: VirtualRunOptions = {}) => {
    const child: Child = {
      exited: exit.promise,
      group: 4711,
      forward: (signal) => void signals.push(signal),
      kill: () => void signals.push('kill'),
      emptied: () => empty.promise,
      async stop(ctx, graceMs, signal = 'SIGTERM') {
        stops.push(`${signal} ${graceMs}`)
        if (endsInMs > 0) await sleep(ctx, Math.min(graceMs, endsInMs))
        if (isKillable) exit.resolve({ signal: endsInMs < graceMs ? signal : 'SIGKILL' })
        return isKillable
      },
    }
    const all: RunDependencies = {
      consul: lock.consul(),
      signals: {
        raise: send,
        listen(listener) {
          listeners.add(listener)
          return { [Symbol.dispose]: () => void listeners.delete(listener) }
        },
      },
      guardian,
      async launch(request) {
        launches.push(request)
        return child
      },
      async serveLease(lease) {
        leases.push(lease)
        leasesOpen += 1
        return {
          [Symbol.dispose]() {
            leasesOpen -= 1
          },
        }
      },
      ...dependencies,
    }
    const holder = { host: 'here', pid: 1, user: 'somebody', command: ['virtual'], runId: 'one' }
    const spec: RunSpec = {
      lock: { ...lock.spec, record: (nowMs) => holderRecord(holder, lock.timing, nowMs) },
      command: ['virtual'],
      recorded: ['virtual'],
      waitMs: Number.POSITIVE_INFINITY,
      waitGroup: false,
      environment: {},
      runId: 'one',
      mark: 'one',
      ...about,
    }
    return run(ctx, all, spec)
  }
  return {
    ...lock,
    begin,
    requests,
    lines,
    orders,
    launches,
    signals,
    stops,
    leases,
    leasesOpen: () => leasesOpen,
    send,
    listeners,
    exit: (status: ExitStatus) => exit.resolve(status),
    empty: () => empty.resolve(),
    loseGuardian: () => failed.abort(new Failure('usage', 'no guardian could be kept alive')),
    meet(next: Policy) {
      fateOf = next
    },
  }
}
