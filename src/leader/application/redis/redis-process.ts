import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { killed } from '../own-process.ts'
import { type PortHolders, portHolders } from '../port-holders.ts'

/** What Redis and those that came of it are called. */
const REDIS = /redis|valkey|keydb/i

/** Where our Redis serves: at these hosts, by this port. */
export interface ServedPort {
  readonly hosts: readonly string[]
  readonly port: number
}

/** Rejects with a `Failure` when a process has a socket where our Redis serves, so that it may be alive. */
export async function assertNoProcess({ hosts, port }: ServedPort): Promise<void> {
  const { processes, hidden } = await portHolders(hosts, port)
  const [found] = processes
  if (!found && !hidden) return
  const who = found ? `process ${found.pid} (${found.program})` : `a process of user ${hidden?.uid}`
  throw new Failure('failed', `nobody answers, but ${who} still has port ${port}`)
}

/**
 * Kills the Redis that serves at a port, and waits until it is dead. Settles with whether there was one. Rejects when
 * somebody else serves there, or somebody into whom we may not look.
 */
export async function killRedis(ctx: Context, { hosts, port }: ServedPort): Promise<boolean> {
  const holders = await portHolders(hosts, port)
  assertOurs(holders, port)
  await killed(ctx, holders.processes)
  return holders.processes.length > 0
}

function assertOurs({ processes, hidden }: PortHolders, port: number): void {
  if (hidden) {
    const hint = `run the agent as root or as user ${hidden.uid}`
    throw new Failure('failed', `port ${port} is served by user ${hidden.uid}, whose processes we may not see: ${hint}`)
  }
  const stranger = processes.find(({ program }) => !REDIS.test(program))
  if (!stranger) return
  throw new Failure(
    'failed',
    `port ${port} is served by process ${stranger.pid}, ${stranger.program}, which is no Redis`,
  )
}
