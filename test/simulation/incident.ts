import type { Snapshot } from '../../src/devagent/state.ts'
import { KEY, type SimulatedRunner, type Stage } from './runner.ts'
import type { Incident } from './schedule.ts'

/** Makes an incident happen now; `runner` is the newest on its machine, if any has begun. */
export function strike(stage: Stage, incident: Incident, runner: SimulatedRunner | undefined): void {
  INCIDENT[incident.kind](stage, incident.lastsMs, runner)
}

type Blow = (stage: Stage, lastsMs: number, runner: SimulatedRunner | undefined) => void

const INCIDENT: Record<Incident['kind'], Blow> = {
  'kill-runner': (_, __, runner) => runner?.process.end(),
  'stop-runner': ({ time }, lastsMs, runner) => {
    runner?.process.stop()
    time.after(lastsMs, () => runner?.process.continue())
  },
  'kill-guardian': (_, __, runner) => runner?.guardian.kill(),
  'signal-int': (_, __, runner) => runner?.signal('SIGINT'),
  'signal-term': (_, __, runner) => runner?.signal('SIGTERM'),
  'signal-twice': ({ time }, __, runner) => {
    runner?.signal('SIGTERM')
    time.after(500, () => runner?.signal('SIGINT'))
  },
  'set-wall-clock': ({ dice }, __, runner) => {
    if (runner) runner.clock.wallOffsetMs += dice.between(-30_000, 30_000)
  },
  'destroy-session': ({ agent }) => {
    const holder = agent.operator.holder(KEY)
    if (holder) agent.operator.destroySession(holder)
  },
  'node-critical': ({ agent, time, dice }, lastsMs) => {
    const node = `m${dice.whole(0, 4)}`
    agent.operator.setNode(node, 'critical')
    time.after(lastsMs, () => agent.operator.setNode(node, 'passing'))
  },
  'delete-key': ({ agent, ledger, time }) => {
    ledger.tamper(time.nowMs)
    agent.operator.deleteKey(KEY)
  },
  'force-release': ({ agent, ledger, time }) => {
    ledger.tamper(time.nowMs)
    agent.operator.forceRelease(KEY)
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
}
