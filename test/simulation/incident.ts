import { withTimeout } from '../../src/base/abort.ts'
import type { Context } from '../../src/base/context.ts'
import { Failure } from '../../src/base/failure.ts'
import { Consul } from '../../src/consul/consul.ts'
import { createSession } from '../../src/consul/sessions.ts'
import { transact } from '../../src/consul/txn.ts'
import type { Snapshot } from '../../src/devagent/state.ts'
import { LOCK_FLAGS } from '../../src/lock/lock-keys.ts'
import { requestYield } from '../../src/run/release-request.ts'
import { NO_SETTINGS } from '../virtual/settings.ts'
import { SILENT } from '../virtual/silent-log.ts'
import { LOCK_KEY, type SimulatedRunner, type Stage } from './runner.ts'
import type { Incident } from './schedule.ts'

/** Who may be struck: a runner, or a program that has no guardian to lose. */
export type Victim = Pick<SimulatedRunner, 'process' | 'clock' | 'signal'> & {
  readonly guardian?: Pick<SimulatedRunner['guardian'], 'kill'>
}

/** Makes an incident happen now; `runner` is the newest on its machine, if any has begun. */
export function strike(stage: Stage, incident: Incident, runner: Victim | undefined): void {
  INCIDENT[incident.kind](stage, incident.lastsMs, runner)
}

type Blow = (stage: Stage, lastsMs: number, runner: Victim | undefined) => void

const INCIDENT: Record<Incident['kind'], Blow> = {
  'kill-runner': (_, __, runner) => runner?.process.end(),
  'stop-runner': ({ time }, lastsMs, runner) => {
    runner?.process.stop()
    time.after(lastsMs, () => runner?.process.continue())
  },
  'kill-guardian': (_, __, runner) => runner?.guardian?.kill(),
  'signal-int': (_, __, runner) => runner?.signal('SIGINT'),
  'signal-term': (_, __, runner) => runner?.signal('SIGTERM'),
  'signal-twice': ({ time }, __, runner) => {
    runner?.signal('SIGTERM')
    time.after(500, () => runner?.signal('SIGINT'))
  },
  'set-wall-clock': ({ dice }, __, runner) => {
    if (runner) runner.clock.wallOffsetMs += dice.between(-3_600_000, 3_600_000)
  },
  'destroy-session': ({ agent }) => {
    const holder = agent.operator.holder(LOCK_KEY)
    if (holder) agent.operator.destroySession(holder)
  },
  'node-critical': ({ agent, time, dice }, lastsMs) => {
    const node = `m${dice.whole(0, 4)}`
    agent.operator.setNode(node, 'critical')
    time.after(lastsMs, () => agent.operator.setNode(node, 'passing'))
  },
  'delete-key': ({ agent, ledger, time }) => {
    ledger.tamper(time.nowMs)
    agent.operator.deleteKey(LOCK_KEY)
  },
  'force-release': ({ agent, ledger, time }) => {
    ledger.tamper(time.nowMs)
    agent.operator.forceRelease(LOCK_KEY)
  },
  'no-leader': ({ agent, time }, lastsMs) => {
    agent.operator.leaderless(true)
    time.after(lastsMs, () => agent.operator.leaderless(false))
  },
  'change-leader': ({ agent }) => agent.operator.changeLeader(),
  'restart-servers': ({ agent }) => agent.operator.restartServers({ forgetLockDelays: false }),
  'forget-lock-delays': ({ agent, ledger, time }) => {
    ledger.tamper(time.nowMs)
    agent.operator.restartServers({ forgetLockDelays: true })
  },
  'restore-snapshot': ({ agent, time, ledger }, lastsMs) => {
    const snapshot: Snapshot = agent.operator.snapshot()
    time.after(lastsMs, () => {
      ledger.tamper(time.nowMs)
      ledger.forgetFences()
      agent.operator.restoreSnapshot(snapshot)
    })
  },
  'stir-reads': ({ agent }) => agent.operator.stirBlockedReads(),
  'stop-servers': ({ agent, time }, lastsMs) => {
    agent.operator.sleep()
    time.after(lastsMs, () => agent.operator.wake())
  },
  'ask-for-lock': (stage, lastsMs) => {
    const session = stage.agent.operator.holder(LOCK_KEY)
    if (session !== undefined) attempt(stage, (ctx, consul) => askFor(ctx, consul, session, lastsMs))
  },
  'stand-in-line': (stage, lastsMs) => void haunt(stage, lastsMs),
  'write-over': (stage) => {
    const value = stage.dice.pick(ODD_VALUES)
    attempt(stage, (ctx, consul) => transact(ctx, consul, [{ verb: 'set', key: LOCK_KEY, value, flags: LOCK_FLAGS }]))
  },
}

/** What a stranger who may write the lock's key may have written there. */
const ODD_VALUES = [
  'null',
  '['.repeat(10_000),
  '{"host":{},"command":{"join":1},"lockDelayMs":2e9}',
  '{"lockDelayMs":-1e9}',
] as const

const SHORTEST_TTL_MS = 10_000

/** Somebody stands in line, and never takes the lock, until his session expires. */
async function haunt(stage: Stage, lastsMs: number): Promise<void> {
  const ttlMs = Math.max(SHORTEST_TTL_MS, lastsMs)
  const about = { name: 'ghost', ttlMs, lockDelayMs: 0, behavior: 'release' } as const
  const session = await attempt(stage, (ctx, consul) => createSession(ctx, consul, about))
  if (session === undefined) return
  const place = { verb: 'lock', key: `${LOCK_KEY}=queue/${session}`, value: '', session } as const
  const sign = { verb: 'set', key: `${LOCK_KEY}=queue`, value: session } as const
  await attempt(stage, (ctx, consul) => transact(ctx, consul, [place, sign]))
}

/** Somebody asks who holds the lock to give it back, and doesn't wait for long. */
function askFor(ctx: Context, consul: Consul, session: string, waitMs: number): Promise<unknown> {
  const late = () => new Failure('timed-out', 'nobody gives the lock back')
  return withTimeout(ctx, waitMs, late, (ctx) => requestYield(ctx, consul, { key: LOCK_KEY, session }, 'somebody'))
}

/** One request of a stranger's. Settles with `undefined` when it fails. */
async function attempt<T>(
  { agent, time, dice }: Stage,
  request: (ctx: Context, consul: Consul) => Promise<T>,
): Promise<T | undefined> {
  const ctx = { clock: time, log: SILENT, signal: new AbortController().signal, random: dice.next }
  return request(ctx, new Consul(NO_SETTINGS, agent.transport())).catch(() => undefined)
}
