import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { ENDED_VARIABLE } from '../../../child/guardian-arguments.ts'
import { isReleased, type Released } from '../../../child/internal-command.ts'
import type { CompoundLockOf } from '../../../lock/compound-lock.ts'
import { ON_BEHALF_MS, releaseOnBehalf } from '../../../lock/release.ts'
import { historyOnBehalf } from '../../../run/history/history-on-behalf.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { internalOptions } from '../../invocation/internal-options.ts'
import type { Invocation } from '../../invocation/invocation.ts'

/**
 * `consul-locker :release lock|semaphore|reader|slots KEY… SESSION`, for the guardian alone: gives back what a dead
 * runner held.
 */
export async function performRelease({ words, environment, context }: Invocation): Promise<number> {
  const [released, ...rest] = words
  const [key = '', ...others] = rest.slice(0, -1)
  const sessionId = rest.at(-1) ?? ''
  if (!isReleased(released)) throw new Failure('usage', 'a guardian gives back a lock, a place, or slots')
  const options = internalOptions(environment)
  const consul = await connect(options, environment)
  const ctx = context(options)
  if (released === 'slots') {
    const { releaseSlots } = await import('../../../lock/slot-locks.ts')
    await releaseSlots(ctx, consul, key, sessionId, ON_BEHALF_MS)
    return EXIT.done
  }
  const compound = await (await compoundLockOf(released, key, others))?.(consul, sessionId, [])
  const word = environment[ENDED_VARIABLE] ?? ''
  const own = { key: compound?.key ?? key, sessionId }
  const lockKey = released === 'semaphore' ? (others[0] ?? key) : key
  const ridingOf = (ctx: Context) => historyOnBehalf(ctx, consul, own, word, lockKey)
  await releaseOnBehalf(ctx, consul, { key, sessionId, mayBeHanded: true }, compound, ridingOf)
  return EXIT.done
}

/** `undefined` for one plain lock. */
async function compoundLockOf(
  released: Exclude<Released, 'slots'>,
  key: string,
  others: readonly string[],
): Promise<CompoundLockOf | undefined> {
  switch (released) {
    case 'lock': {
      if (others.length === 0) return undefined
      const { lockSetOf } = await import('../../../lock/lock-set.ts')
      return lockSetOf([{ name: key, key }, ...others.map((name) => ({ name, key: name }))])
    }
    case 'semaphore': {
      const { oneOfSlots, slotsPlace } = await import('../../../lock/slots.ts')
      return oneOfSlots(key, slotsPlace(key, others[0]), 1)
    }
    case 'reader':
      return (await import('../../../lock/readers.ts')).readersOf(key, key)
  }
}
