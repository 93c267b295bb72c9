import type { Context } from '../../base/context.ts'
import { formatDuration } from '../../base/duration.ts'
import { Failure } from '../../base/failure.ts'
import { oneLine } from '../../base/printable.ts'
import { type Entry, readKey } from '../../consul/kv.ts'
import { READERS_FORM } from '../../lock/holder-list.ts'
import { describeHolder, lockDelayOf } from '../../lock/holder-record.ts'
import { LOCK_DELAY_MAX_MS } from '../../lock/lease-timing.ts'
import { checkIsLock, isLock, SLOTS_LIST } from '../../lock/lock-keys.ts'
import { describePause } from '../../lock/pause.ts'
import { type PauseNow, pausesNow } from '../../lock/pause-now.ts'
import { waitingInLine } from '../../lock/queue.ts'
import { readersPlace } from '../../lock/readers.ts'
import { viewOf } from '../../lock/semaphore-view.ts'
import { slotsPlace } from '../../lock/slots.ts'
import { type SlotsInUse, slotsInUse } from '../../lock/slots-in-use.ts'
import { closedAmong } from '../../overview/closed-keys.ts'
import { standingOf } from '../../overview/standing.ts'
import { breaks, breaksBy, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { ExaminedLock, ExaminedSystem } from '../examined-system.ts'
import type { Inspection } from '../inspection.ts'
import { plainKeyOf } from './lock-answers.ts'

const TOPIC = 'The lock'

/** What stands at the lock's key, and at the marker's. */
interface Standing {
  readonly entry: Entry | undefined
  readonly marker: Entry | undefined
}

async function standing(ctx: Context, { consul, lock }: ExaminedSystem): Promise<Standing> {
  const read = async (key: string) => (await readKey(ctx, consul, key, { consistent: true, rights: 'read' })).entry
  const entry = await read(lock.key)
  return { entry, marker: lock.marker === undefined ? undefined : await read(lock.marker) }
}

/** What stands at its key is one. */
export const isLockInspection: Inspection = {
  code: 'CL601',
  topic: TOPIC,
  title: 'a lock',
  needs: ['CL402'],
  asksConsul: true,
  look: async (ctx, system) => judgeStanding(system.lock, await standing(ctx, system)),
}

export function judgeStanding(lock: ExaminedLock, { entry, marker }: Standing): Diagnosis {
  const { key, slots, isShared } = lock
  try {
    if (slots !== undefined) viewOf(slotsPlace(key, lock.marker), entry, marker)
    else if (isShared) viewOf(readersPlace(key), entry)
    else if (entry) checkIsForWriter(lock.name, entry)
  } catch (thrown) {
    if (thrown instanceof Failure) return breaksBy(thrown)
    throw thrown
  }
  return fine(entry ? `what stands at ${key} is a lock` : `nothing stands at ${key}, so it can become a lock`)
}

/** A plain run waits for readers; what else is no lock ends it. */
function checkIsForWriter(name: string, entry: Entry): void {
  const standing = standingOf(entry)
  if (standing === 'readers') return
  if (standing === 'slots' && !entry.key.endsWith(SLOTS_LIST)) {
    throw new Failure('usage', `${name} is the name of slots, and they are in use`, {
      hint: 'give --slots, or another name',
    })
  }
  checkIsLock(entry)
}

/** Nobody pauses it. */
export const pausedInspection: Inspection = {
  code: 'CL602',
  topic: TOPIC,
  title: 'paused',
  needs: ['CL402'],
  asksConsul: true,
  look: async (ctx, { consul, lock }) =>
    judgePauses(lock.name, await pausesNow(ctx, consul, plainKeyOf(lock)), ctx.clock.now().wallMs),
}

export function judgePauses(name: string, pauses: readonly PauseNow[], nowMs: number): Diagnosis {
  const [first] = pauses
  if (!first) return fine('it is not paused')
  const { areAll, pause } = first
  const howLong = pause ? describePause(pause, nowMs) : "until somebody ends that: its record can't be read"
  return warning(
    `${areAll ? 'all locks are paused' : 'it is paused'} ${howLong}`,
    `a run waits until then; consul-locker resume ${areAll ? '--all' : name} ends it now`,
  )
}

/** Nobody holds it. */
export const heldInspection: Inspection = {
  code: 'CL603',
  topic: TOPIC,
  title: 'held',
  needs: ['CL601'],
  asksConsul: true,
  look: async (ctx, system) => judgeHolder(system.lock, (await standing(ctx, system)).entry, ctx.clock.now().wallMs),
}

export function judgeHolder(
  { name, slots, isShared }: ExaminedLock,
  entry: Entry | undefined,
  nowMs: number,
): Diagnosis {
  const cure = `a run waits for it; consul-locker status ${name} says more, consul-locker unlock ${name} frees it`
  if (slots === undefined && entry && isLock(entry) && entry.session !== undefined) {
    return warning(`it is ${describeHolder(entry.value, nowMs)}`, cure)
  }
  const readers =
    slots === undefined && entry && standingOf(entry) === 'readers'
      ? READERS_FORM.parse(entry.value)?.holders.length
      : 0
  if (!isShared && readers) return warning(`${readers} ${readers === 1 ? 'reader has' : 'readers have'} it`, cure)
  return fine('nobody keeps a run from it')
}

/** Consul doesn't keep it closed. */
export const delayInspection: Inspection = {
  code: 'CL604',
  topic: TOPIC,
  title: 'lock-delay',
  needs: ['CL601'],
  asksConsul: true,
  async look(ctx, system) {
    const { entry } = await standing(ctx, system)
    const { consul, lock } = system
    const index = entry?.modifyIndex ?? 0
    const closed = lock.slots === undefined ? await closedAmong(ctx, consul, [{ key: lock.key, index }]) : undefined
    return judgeDelay(closed?.has(lock.key) === true && entry?.session === undefined, entry, ctx.clock.now().wallMs)
  },
}

export function judgeDelay(isDelayed: boolean, entry: Entry | undefined, nowMs: number): Diagnosis {
  if (!isDelayed) return fine('no lock-delay keeps it closed')
  const delayMs = lockDelayOf(entry?.value ?? '') || LOCK_DELAY_MAX_MS
  const until = new Date(nowMs + delayMs).toISOString().slice(11, 19)
  return warning(
    `its last holder was cut off, and Consul keeps it closed: until ${until}Z at the latest`,
    `a run waits for ${formatDuration(delayMs)} at most: so long the holder's command may still run`,
  )
}

/** Nobody waits before. */
export const queueInspection: Inspection = {
  code: 'CL605',
  topic: TOPIC,
  title: 'queue',
  needs: ['CL402', 'CL403'],
  asksConsul: true,
  look: async (ctx, { consul, lock }) => judgeQueue(lock.name, (await waitingInLine(ctx, consul, lock.key)).length),
}

export function judgeQueue(name: string, waiters: number): Diagnosis {
  if (waiters === 0) return fine('nobody waits for it')
  return warning(
    `${waiters} ${waiters === 1 ? 'run waits' : 'runs wait'} for it, and would come first`,
    `a run stands in line behind; consul-locker status ${name} says more`,
  )
}

/** There is a slot left. */
export const slotsInspection: Inspection = {
  code: 'CL606',
  topic: TOPIC,
  title: 'slots',
  needs: ['CL601'],
  asksConsul: true,
  look: async (ctx, { consul, lock }) =>
    judgeSlots(
      lock,
      lock.slots === undefined ? undefined : await slotsInUse(ctx, consul, slotsPlace(lock.key, lock.marker)),
    ),
}

export function judgeSlots(
  { name, slots: wanted }: Pick<ExaminedLock, 'name' | 'slots'>,
  inUse: SlotsInUse | undefined,
): Diagnosis {
  if (!inUse) return fine('no slot is taken')
  const { limit, living, closed } = inUse
  const said = `${living.length + closed} of ${limit} slots are taken${closed > 0 ? `, ${closed} of them by who was cut off` : ''}`
  if (limit !== wanted) {
    return breaks(
      `${oneLine(name, 60)} has ${limit} slots, and --slots says ${wanted}`,
      `change one of the two: consul-locker slots ${name} ${wanted}`,
    )
  }
  if (living.length + closed < limit) return fine(said)
  return warning(said, `a run waits for one; consul-locker slots ${name} says who has them`)
}
