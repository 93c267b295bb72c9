import * as v from 'valibot'
import { findHosts } from '../discovery/find-hosts.ts'
import { checkLabel } from '../discovery/label.ts'
import { asLibraryError } from './as-library-error.ts'
import { ConsulLockerError } from './errors.ts'
import { aText, aWholeNumber, given, givenOptions, type SchemasOf } from './given.ts'
import type { Duration } from './given-duration.ts'
import type { LogCallback } from './log-callback.ts'
import { COMMON_OPTIONS } from './options.ts'
import { type ConsulConnection, type ConsulOptions, clientOf } from './shared-connection.ts'
import { contextOf, PROCESS } from './surroundings.ts'

/** Which instances of a service are wanted. */
export interface HostsOptions {
  /** How to reach Consul, or a connection that others use, too. */
  readonly consul?: ConsulOptions | ConsulConnection | undefined
  /** So many are enough: 1 with `wait`, none without, unless it is told. */
  readonly min?: number | undefined
  /** How long to wait for so many; without it there is one look. */
  readonly wait?: Duration | undefined
  /** Ends the wait when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** Hears what happens. */
  readonly log?: LogCallback | undefined
}

const OPTIONS = v.strictObject({
  ...COMMON_OPTIONS,
  min: v.optional(aWholeNumber(0)),
} satisfies SchemasOf<HostsOptions>)

/** A healthy instance of a service. Whoever may register services chose all of it. */
export interface Host {
  /** An IP address, or a name. */
  readonly address: string
  readonly port: number
  /** The name of its node. */
  readonly node: string
  /** The service's id on its node. */
  readonly id: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
}

/**
 * The healthy instances of a service, in the order of their addresses, as `consul-locker hosts` finds them. Rejects
 * with a {@link ConsulLockerError} (`timed-out` when there are fewer than `min`), or with the reason of
 * `options.signal`.
 */
export async function hosts(service: string, options: HostsOptions = {}): Promise<Host[]> {
  const wanted = givenOptions('hosts', OPTIONS, options)
  const { wait, min = wait === undefined ? 0 : 1 } = wanted
  const ctx = contextOf(PROCESS, wanted)
  let letGo = () => {}
  try {
    const label = checkLabel(given('the service', aText, service))
    const client = await clientOf(wanted.consul)
    letGo = () => client.letGo()
    const query = {
      label,
      exceptNode: undefined,
      min,
      waitMs: wait ?? 0,
      count: ({ length }: { length: number }) => length,
    }
    const found = await findHosts(ctx, client.consul, query)
    if (found.length < min) {
      throw new ConsulLockerError('timed-out', `healthy hosts of ${label}: ${found.length}; wanted: ${min}`)
    }
    return found.map(({ address, port, node, id, tags, meta }) => ({ address, port, node, id, tags, meta }))
  } catch (thrown) {
    throw asLibraryError(thrown)
  } finally {
    letGo()
  }
}
