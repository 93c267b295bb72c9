import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { Consul } from '../../../consul/consul.ts'
import { changeSlotLimit } from '../../../lock/change-slot-limit.ts'
import { describeHolder } from '../../../lock/holder-record.ts'
import { MOST_SLOTS, slotsKey } from '../../../lock/lock-keys.ts'
import { readMarker, type SemaphorePlace, viewOf } from '../../../lock/semaphore-view.ts'
import { slotsPlace } from '../../../lock/slots.ts'
import { slotsInUse } from '../../../lock/slots-in-use.ts'
import { slotsRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { lockNamed } from '../../invocation/lock-named.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { print, printLines } from '../../output/print.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { wholeNumber } from '../../syntax/values.ts'
import { SLOTS_SYNTAX } from './syntax.ts'

const USAGE = 'consul-locker slots <name> [n]'

/** `consul-locker slots NAME [N]` */
export const slotsCommand = subcommand(SLOTS_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  const [word, wanted, ...rest] = words
  checkNoWords(rest, USAGE)
  const { key: ownKey } = options
  const { name, key } = lockNamed(word, ownKey, USAGE)
  const place = slotsPlace(slotsKey(key, ownKey !== undefined), ownKey === undefined ? key : undefined)
  const limit = wanted === undefined ? undefined : limitIn(wanted)
  const consul = await connect(options, environment, slotsRules(place.list, limit !== undefined))
  try {
    return await interruptible(ctx, signals, (ctx) =>
      limit === undefined ? show(ctx, consul, name, place) : change(ctx, consul, name, place, limit),
    )
  } finally {
    consul.close()
  }
})

function limitIn(text: string): number {
  try {
    return wholeNumber(1, MOST_SLOTS)(text, '')
  } catch {
    throw new Failure('usage', `${JSON.stringify(text)} is no number of slots from 1 to ${MOST_SLOTS}`, { hint: USAGE })
  }
}

async function show(ctx: Context, consul: Consul, name: string, place: SemaphorePlace): Promise<number> {
  const inUse = await slotsInUse(ctx, consul, place)
  if (!inUse) {
    await checkName(ctx, consul, place)
    return print(`nobody has a slot of ${name}; the next run says how many there are`)
  }
  const { limit, living, closed, waiting } = inUse
  const nowMs = ctx.clock.now().wallMs
  const line = waiting === 0 ? '' : `, ${waiting} in line`
  return printLines([
    `${living.length + closed} of ${slotsText(limit)} of ${name} taken${line}`,
    ...living.map(({ value }) => describeHolder(value, nowMs)),
    ...(closed > 0 ? [`${closed} closed: the holder was cut off`] : []),
  ])
}

async function change(
  ctx: Context,
  consul: Consul,
  name: string,
  place: SemaphorePlace,
  limit: number,
): Promise<number> {
  const holders = await changeSlotLimit(ctx, consul, place, limit)
  if (holders === undefined) {
    await checkName(ctx, consul, place)
    ctx.log.error(`nobody has a slot of ${name}, so nothing is changed; the next run says how many there are`)
    return EXIT.no
  }
  const tooMany = holders - limit
  const line = tooMany > 0 ? `; ${holders} are taken, and nobody comes in before fewer than ${limit} are` : ''
  return print(`${name} has ${slotsText(limit)}${line}`)
}

/**
 * Throws the `usage` failure of a run with `--slots` where a plain lock is held by that name, or data stands. A token
 * may see the slots and not that.
 */
async function checkName(ctx: Context, consul: Consul, place: SemaphorePlace): Promise<void> {
  try {
    viewOf(place, undefined, await readMarker(ctx, consul, place))
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'refused') throw thrown
  }
}

function slotsText(count: number): string {
  return `${count} ${count === 1 ? 'slot' : 'slots'}`
}
