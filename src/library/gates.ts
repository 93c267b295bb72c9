import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { awaitGates } from '../gate/await-gates.ts'
import type { Gate } from '../gate/gate.ts'
import { parseGate } from '../gate/gate-grammar.ts'
import { describeMissing, MissingReporter } from '../gate/missing-reporter.ts'
import { ConsulLockerError } from './errors.ts'
import { type Duration, milliseconds } from './given-duration.ts'
import type { LogCallback } from './log-callback.ts'
import { contextOf } from './obtain.ts'
import { type ConsulConnection, type ConsulOptions, clientOf } from './shared-connection.ts'
import { told } from './told.ts'

/** How gates are waited for. */
export interface GatesOptions {
  /** How to reach Consul, or a connection that others use, too. */
  readonly consul?: ConsulOptions | ConsulConnection | undefined
  /** How long to wait; 0 looks once; without it the wait has no end. */
  readonly wait?: Duration | undefined
  /** One open gate is enough. */
  readonly any?: boolean | undefined
  /** They must stay open for so long without a break. */
  readonly settle?: Duration | undefined
  /** Ends the wait when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** Hears what is missing, and what else happens. */
  readonly log?: LogCallback | undefined
}

/**
 * Waits until all gates are open at the same time: `service:db`, `kv:ready=yes`, `tcp:db:3306`, `http://…`, as
 * `consul-locker wait` has them, but for `cmd:`, since a library starts no processes. Rejects with a
 * {@link ConsulLockerError} (`timed-out`, with what is missing), or with the reason of `options.signal`.
 */
export async function gates(conditions: string | readonly string[], options: GatesOptions = {}): Promise<void> {
  const ctx = contextOf(options)
  let letGo = () => {}
  try {
    ctx.signal.throwIfAborted()
    const wanted = (typeof conditions === 'string' ? [conditions] : conditions).map(gateOf)
    const timeoutMs = options.wait === undefined ? Number.POSITIVE_INFINITY : milliseconds('wait', options.wait)
    const steadyMs = options.settle === undefined ? 0 : milliseconds('settle', options.settle)
    const client = await clientOf(options.consul)
    letGo = () => client.letGo()
    using reporter = new MissingReporter(ctx, 'waiting for')
    const onMissing = reporter.update.bind(reporter)
    const sources = { connect: async () => client.another(), environment: {} }
    const { passed, missing } = await awaitGates(ctx, sources, wanted, {
      timeoutMs,
      steadyMs,
      any: options.any ?? false,
      onMissing,
    })
    if (passed) return
    const after = timeoutMs === 0 ? '' : ` after ${formatDuration(timeoutMs)}`
    throw new ConsulLockerError('timed-out', `gave up${after}: ${describeMissing(missing)}`)
  } catch (thrown) {
    throw told(thrown)
  } finally {
    letGo()
  }
}

function gateOf(condition: string): Gate {
  const gate = parseGate(condition)
  if (gate.kind !== 'cmd') return gate
  throw new Failure('usage', `${gate.text} is a command, and a library starts none`, {
    hint: 'run it yourself, or have consul-locker wait in front of your program',
  })
}
