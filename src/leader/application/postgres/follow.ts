import { sleep } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { messageOf } from '../../../base/failure.ts'
import { connectionString } from './connection-string.ts'
import { clone, rewind } from './data-copy.ts'
import type { LocalServer } from './local-server.ts'
import type { MasterServer } from './master-server.ts'
import { isNotServing, type PostgresTarget } from './postgres-client.ts'
import type { Groups } from './postgres-programs.ts'
import { type ServerState, serverState, walReceiver } from './server-state.ts'
import { stopServer } from './stop-server.ts'
import { timelineBeginning } from './timeline-beginning.ts'
import { liesOn } from './timeline-history.ts'
import { describePoint } from './wal-point.ts'

const LOOK_MS = 200
/** So long a standby may need to begin to receive, or to replay what it has: it tries every 5 s. */
const FOLLOW_MS = 12_000
const STOP = { limitMs: 60_000, patienceMs: 5000, laggards: [], laggardPatienceMs: 0 }

/** A standby, by the name of its node and of its slot. */
export interface Follower {
  readonly server: LocalServer
  readonly node: string
  readonly slot: string
}

/** Complaints of a server that can't start because its data went another way than what it was told to follow. */
const ASTRAY = /requested timeline|requested starting point|minimum recovery point|checkpoint record|online backup/

/**
 * Has the server follow a master, whatever state it is in: by going on if it can, and only when the master says that it
 * can't, by rewinding or by copying its data. A master that can't be reached says nothing, so nothing is stopped then.
 */
export async function follow(ctx: Context, groups: Groups, follower: Follower, master: MasterServer): Promise<void> {
  const { server } = follower
  if (!server.data.isFilled || server.data.isTorn) return copyData(ctx, groups, follower, master)
  if (await isReceiving(ctx, server, master.target)) return
  const failure = await started(ctx, groups, server)
  const theirs = await master.prepared(ctx)
  if (failure === undefined) return goOn(ctx, groups, follower, master, theirs)
  const control = await server.controlData(ctx, groups)
  if (control) refuseStranger(control.system, theirs.system)
  if (!ASTRAY.test(failure)) throw new Error(failure)
  ctx.log.notice(`${failure}; rewinding`)
  await rewindData(ctx, groups, follower, master)
}

/** Why it can't be started; `undefined` when it runs, whether it serves already or not. */
async function started(ctx: Context, groups: Groups, server: LocalServer): Promise<string | undefined> {
  try {
    await server.start(ctx, groups)
    return undefined
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    return server.isRunning ? undefined : messageOf(thrown)
  }
}

/** For a server that runs. */
async function goOn(
  ctx: Context,
  groups: Groups,
  follower: Follower,
  master: MasterServer,
  theirs: ServerState,
): Promise<void> {
  const { server } = follower
  const isOnTheWay = (own: ServerState) => own.recovering && liesOn({ ...own, lsn: own.replayed }, theirs)
  let own = await server.ask(ctx, serverState).catch(servesNot)
  if (!own) {
    const last = server.lastSegment
    if (last !== undefined) server.set(followingSettings(master.target, follower))
    if (last === undefined || (await master.keepsSegment(ctx, last))) throw new Error('PostgreSQL is starting up')
    ctx.log.notice(`PostgreSQL can't start without the log from ${last} on, which the master doesn't have any more`)
    return copyData(ctx, groups, follower, master)
  }
  refuseStranger(own.system, theirs.system)
  if (isOnTheWay(own)) {
    if (!(await sharesTimeline(ctx, server, own, master, theirs))) {
      ctx.log.notice(`timeline ${own.timeline} of the master is another one than ours; copying its data`)
      return copyData(ctx, groups, follower, master)
    }
    // Not before: what it receives replaces what it has.
    server.set(followingSettings(master.target, follower))
    if (await receivesSoon(ctx, follower, master.target)) return
    own = await server.ask(ctx, serverState)
    if (isOnTheWay(own)) return copyIfOutdated(ctx, groups, follower, master, own)
  }
  ctx.log.notice(`at ${describePoint(own)}, which is not on the way of the master; rewinding`)
  await rewindData(ctx, groups, follower, master)
}

/**
 * Two servers that were promoted apart from each other, at the same place, have timelines of the same number that began
 * there. PostgreSQL takes them for one, and so does pg_rewind; only what stands there tells them apart.
 */
async function sharesTimeline(
  ctx: Context,
  server: LocalServer,
  own: ServerState,
  master: MasterServer,
  theirs: ServerState,
): Promise<boolean> {
  if (own.timeline !== theirs.timeline) return true
  const to = own.lsn < theirs.lsn ? own.lsn : theirs.lsn
  const mine = await server.ask(ctx, (ask) => timelineBeginning(ask, own, to))
  const other = await master.beginning(ctx, theirs, to)
  return mine === undefined || other === undefined || mine === other
}

/** Whether a standby receives after a while, or gets what it needs elsewhere. */
async function receivesSoon(ctx: Context, { server }: Follower, target: PostgresTarget): Promise<boolean> {
  const beganAt = ctx.clock.now()
  let replayed: bigint | undefined
  while (ctx.clock.since(beganAt) < FOLLOW_MS) {
    if (await isReceiving(ctx, server, target)) return true
    const now = await server.ask(ctx, serverState).catch(servesNot)
    // An archive may have what the master hasn't any more.
    if (now && replayed !== undefined && now.replayed > replayed) return true
    replayed = now?.replayed
    await sleep(ctx, LOOK_MS)
  }
  return false
}

async function isReceiving(ctx: Context, server: LocalServer, { host, port }: PostgresTarget): Promise<boolean> {
  if (!server.isRunning) return false
  const from = await server.ask(ctx, walReceiver).catch(servesNot)
  return from?.streaming === true && from.host === host && from.port === port
}

/** What it needs may be gone at the master; for any other reason, a copy would change nothing. */
async function copyIfOutdated(
  ctx: Context,
  groups: Groups,
  follower: Follower,
  master: MasterServer,
  own: ServerState,
): Promise<void> {
  const why = await master.refusal(ctx, own)
  if (why !== 'outdated') throw new Error(`it doesn't follow the master: ${why}`)
  ctx.log.notice(`the master doesn't have the log from ${describePoint(own)} on any more; copying its data`)
  await copyData(ctx, groups, follower, master)
}

async function rewindData(ctx: Context, groups: Groups, follower: Follower, master: MasterServer): Promise<void> {
  const { server } = follower
  await stopServer(ctx, server.postmaster, STOP)
  try {
    await rewind(ctx, groups, server, master.target)
  } catch (thrown) {
    ctx.signal.throwIfAborted()
    ctx.log.notice(`can't be rewound (${messageOf(thrown)}); copying the data of the master`)
    return copyData(ctx, groups, follower, master)
  }
  server.set(followingSettings(master.target, follower))
  const failure = await started(ctx, groups, server)
  if (failure === undefined) {
    if (await receivesSoon(ctx, follower, master.target)) return
    // It may have much to replay.
    if (!(await server.ask(ctx, serverState).catch(servesNot))) throw new Error('PostgreSQL is starting up')
  } else if (!ASTRAY.test(failure)) throw new Error(failure)
  ctx.log.notice('rewound, and it still does not follow; copying the data of the master')
  await copyData(ctx, groups, follower, master)
}

/** Replaces the data by the master's, and follows it. */
export async function copyData(ctx: Context, groups: Groups, follower: Follower, master: MasterServer): Promise<void> {
  const { server } = follower
  await master.prepared(ctx)
  const takePlace = await clone(ctx, groups, server, master.target)
  await stopServer(ctx, server.postmaster, STOP)
  await takePlace()
  server.set(followingSettings(master.target, follower))
  await server.start(ctx, groups)
  if (!(await receivesSoon(ctx, follower, master.target)))
    throw new Error("it doesn't follow the master, though copied")
}

function refuseStranger(own: string, theirs: string): void {
  if (own === theirs) return
  throw new Error(`these data are another cluster's (${own}, not ${theirs}): \`leader reinit\` replaces them`)
}

function followingSettings(target: PostgresTarget, { node, slot }: Follower): Record<string, string> {
  return { primary_conninfo: connectionString(target, { application_name: node }), primary_slot_name: slot }
}

/** What has a server that is about to lead follow nobody any more. */
export const FOLLOWING_NOBODY = { primary_conninfo: '', primary_slot_name: '' } as const

/** For one that runs and doesn't serve yet. */
function servesNot(thrown: unknown): undefined {
  if (!isNotServing(thrown)) throw thrown
}
