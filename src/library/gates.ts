import * as v from 'valibot'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { awaitGates } from '../gate/await-gates.ts'
import type { Gate } from '../gate/gate.ts'
import { parseGate } from '../gate/gate-grammar.ts'
import { describeMissing, MissingReporter } from '../gate/missing-reporter.ts'
import { asLibraryError } from './as-library-error.ts'
import { ConsulLockerError } from './errors.ts'
import { given, givenOptions, type SchemasOf, yesOrNo } from './given.ts'
import { aDuration, type Duration } from './given-duration.ts'
import type { LogCallback } from './log-callback.ts'
import { COMMON_OPTIONS } from './options.ts'
import { type ConsulConnection, type ConsulOptions, clientOf } from './shared-connection.ts'
import { contextOf, PROCESS } from './surroundings.ts'

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

const OPTIONS = v.strictObject({
  ...COMMON_OPTIONS,
  any: v.optional(yesOrNo),
  settle: v.optional(aDuration),
} satisfies SchemasOf<GatesOptions>)

const CONDITIONS = v.array(v.string('a condition'), 'a list of conditions')

/**
 * Waits until all gates are open at the same time: `service:db`, `kv:ready=yes`, `tcp:db:3306`, `http://…`, as
 * `consul-locker wait` has them, but for `cmd:`, since a library starts no processes. Rejects with a
 * {@link ConsulLockerError} (`timed-out`, with what is missing), or with the reason of `options.signal`.
 */
export async function gates(conditions: string | readonly string[], options: GatesOptions = {}): Promise<void> {
  const {
    wait: timeoutMs = Number.POSITIVE_INFINITY,
    settle: steadyMs = 0,
    any = false,
    ...wanted
  } = givenOptions('gates', OPTIONS, options)
  const ctx = contextOf(PROCESS, wanted)
  let letGo = () => {}
  try {
    ctx.signal.throwIfAborted()
    const list = given('gates', CONDITIONS, typeof conditions === 'string' ? [conditions] : conditions)
    const all = list.map(gateOf)
    const client = await clientOf(wanted.consul)
    letGo = () => client.letGo()
    using reporter = new MissingReporter(ctx, 'waiting for')
    const onMissing = reporter.update.bind(reporter)
    const sources = { connect: async () => client.another(), environment: {} }
    const { passed, missing } = await awaitGates(ctx, sources, all, { timeoutMs, steadyMs, any, onMissing })
    if (passed) return
    const after = timeoutMs === 0 ? '' : ` after ${formatDuration(timeoutMs)}`
    throw new ConsulLockerError('timed-out', `gave up${after}: ${describeMissing(missing)}`)
  } catch (thrown) {
    throw asLibraryError(thrown)
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
