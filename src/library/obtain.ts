import { hostname } from 'node:os'
import { basename } from 'node:path'
import { scope } from '../base/abort.ts'
import { type Context, under } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { randomId } from '../base/random-id.ts'
import type { Consul } from '../consul/consul.ts'
import { userName } from '../host/user-name.ts'
import { acquire } from '../lock/acquire.ts'
import { type HeldLock, type LockSpec, type NotHeld, WAIT_OVER } from '../lock/acquire-options.ts'
import { type RequestedLock, wantedLock } from '../run/wanted-lock.ts'
import { asLibraryError } from './as-library-error.ts'
import { ConsulLockerError } from './errors.ts'
import { aText, given } from './given.ts'
import { OwnLock } from './lock.ts'
import { chosenLock, type GivenLockOptions, givenTimes } from './options.ts'
import { inOurWords } from './own-words.ts'
import { programEnvironment } from './program-environment.ts'
import { contextOf, type Surroundings, unending } from './surroundings.ts'

/** A lock as it is asked for at Consul; who asks may add riders to it. */
export interface Request {
  readonly lock: LockSpec
  readonly history: RequestedLock['history']
}

/** What the two kinds of users differ in. */
export interface RequestAdditions<R extends Request> {
  /** What the holder record tells beside who holds the lock. */
  readonly more?: object
  /** The request as it is made in the end. */
  prepare(consul: Consul, request: Request): R
}

/** A lock that was won, and how. */
export interface Obtained<R extends Request> {
  readonly lock: OwnLock
  readonly request: R
  readonly ctx: Context
  readonly waitedMs: number
}

/**
 * Waits for a lock. Rejects with a `ConsulLockerError`, or with the reason of `options.signal`; then nothing is left.
 */
export async function obtain<R extends Request>(
  surroundings: Surroundings,
  name: string,
  options: GivenLockOptions,
  { more, prepare }: RequestAdditions<R>,
): Promise<Obtained<R>> {
  const ctx = contextOf(surroundings, options)
  let letGo = () => {}
  try {
    ctx.signal.throwIfAborted()
    // A variable that isn't set would be the lock `undefined`.
    given("the lock's name", aText, name)
    const runId = randomId()
    const command = [options.as ?? (basename(process.argv[1] ?? '') || 'node')]
    const holder = () => ({ host: hostname(), pid: process.pid, user: userName(), command })
    const identity = { runId, environment: programEnvironment(), holder, ...(more && { more }) }
    const { history, ...lock } = wantedLock(name, chosenLock(options), givenTimes(options), identity)
    const { wait: waitMs = Number.POSITIVE_INFINITY } = options
    const client = await surroundings.clientOf(options.consul)
    letGo = () => client.letGo()
    const request = prepare(client.consul, { lock, history })
    const beganAt = ctx.clock.now()
    const heard = new Heard(ctx)
    const held = await acquireInTime(heard.ctx, client.consul, request.lock, waitMs)
    if (typeof held === 'string') throw notHeld(name, held, waitMs, heard.last)
    const waitedMs = Math.round(ctx.clock.since(beganAt))
    const own = under(ctx, unending())
    return { lock: new OwnLock(own, { name, runId, consul: client.consul, held, letGo }), request, ctx: own, waitedMs }
  } catch (thrown) {
    letGo()
    throw asLibraryError(thrown)
  }
}

async function acquireInTime(
  ctx: Context,
  consul: Consul,
  lock: LockSpec,
  waitMs: number,
): Promise<HeldLock | NotHeld> {
  using wait = scope(ctx.signal)
  const isLimited = waitMs > 0 && Number.isFinite(waitMs)
  const cancel = isLimited ? ctx.clock.after(waitMs, () => wait.abort(WAIT_OVER)) : () => {}
  try {
    return await acquire(under(ctx, wait.signal), consul, {
      ...lock,
      once: waitMs === 0,
      ...(isLimited && { waitMs }),
      onSession() {},
    })
  } finally {
    cancel()
  }
}

/** The news that were told last: they say why a lock isn't ours. */
class Heard {
  readonly ctx: Context
  last: string | undefined

  constructor(ctx: Context) {
    const notice: Context['log']['notice'] = (sentence, facts) => {
      this.last = inOurWords(sentence)
      ctx.log.notice(sentence, facts)
    }
    this.ctx = { ...ctx, log: { ...ctx.log, notice } }
  }
}

function notHeld(name: string, why: NotHeld, waitMs: number, heard: string | undefined): unknown {
  if (why === 'skipped' || waitMs === 0) return new ConsulLockerError(why, heard ?? `${name} is ${why}`)
  return new ConsulLockerError('busy', `${name} was still busy after ${formatDuration(waitMs)}`, { hint: heard })
}

/** The same request, unless this asks for what a lock that is shared can't promise. */
export function unlessShared(what: string, { slots, shared }: GivenLockOptions): void {
  if (slots === undefined && !shared) return
  throw new Failure('usage', `${what} is a matter of one holder at a time, not of slots or readers`)
}
