import type { Context } from '../../../base/context.ts'
import type { ExaminedLock } from '../../../doctor/examined-system.ts'
import { planTiming, type Timing } from '../../../lock/lease-timing.ts'
import { checkKey, keyOfName, slotsKey } from '../../../lock/lock-keys.ts'
import { isPeriodic } from '../../options/period-options.ts'
import type { Values } from '../../syntax/option.ts'
import type { DOCTOR_SYNTAX } from './syntax.ts'

type DoctorOptions = Values<typeof DOCTOR_SYNTAX.options>

/** The lock whose runs are in question, as options say that they want it. Rejects with a `usage` failure. */
export async function examinedLock(ctx: Context, name: string, options: DoctorOptions): Promise<ExaminedLock> {
  const { key: ownKey, slots, shared: isShared } = options
  const key = ownKey === undefined ? keyOfName(name) : checkKey('--key', ownKey)
  const isOwnKey = ownKey !== undefined
  return {
    name,
    key: slots === undefined ? key : slotsKey(key, isOwnKey),
    slots,
    marker: slots === undefined || isOwnKey ? undefined : key,
    isShared,
    period: await periodOf(ctx, options),
  }
}

async function periodOf(ctx: Context, options: DoctorOptions): Promise<ExaminedLock['period']> {
  if (!isPeriodic({ ...options, 'skip-code': undefined, 'hold-at-least': undefined })) return undefined
  return (await import('../../options/requested-period.ts')).requestedPeriod(ctx, options)
}

/** The timing that runs with these options have. Throws a `usage` failure. */
export function timingOf({ ttl: ttlMs, renew: renewMs }: DoctorOptions): Timing {
  return planTiming({ ttlMs, ...(renewMs !== undefined && { renewMs }) })
}
