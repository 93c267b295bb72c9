import { DevAgent } from '../../../src/devagent/dev-agent.ts'
import type { Timing } from '../../../src/lock/lease-timing.ts'
import { Dice } from '../../virtual/dice.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'
import { Ledger } from '../ledger.ts'
import { type PlannedMachine, WIRE_FAULTS } from '../schedule.ts'
import { KEYS, type LeaderStage, SimulatedAgent, TIMING } from './agent.ts'
import { SimulatedApplication } from './application.ts'
import { SimulatedCatalog } from './catalog.ts'
import { replicate } from './replication.ts'

/** How one seed's story ended. */
export interface LeaderEnding {
  /** What must never be; empty when all is well. */
  readonly violations: readonly string[]
  /** Times that an application became master. */
  readonly masters: number
  readonly excused: number
}

const TROUBLE_MS = 120_000
/** From the calm on, this is enough for every session to expire, every lock-delay and every rest to pass. */
const CALM_MS = 420_000
const DRIFT = 1.3

/** A node: its application, and the agent that just now looks after it. */
interface Node {
  readonly machine: PlannedMachine
  readonly application: SimulatedApplication
  agent: SimulatedAgent
}

type Blow = (stage: LeaderStage, node: Node, lastsMs: number, restart: () => void) => void

const BLOWS: Readonly<Record<string, Blow>> = {
  'kill the agent': (_, { agent }, __, restart) => {
    agent.process.end()
    restart()
  },
  'kill the agent and its guardian': (_, { agent }, __, restart) => {
    agent.guardian.kill()
    agent.process.end()
    restart()
  },
  'end the agent': (_, { agent }, __, restart) => {
    agent.stop()
    agent.process.onEnd(restart)
  },
  'stop the agent': ({ time }, { agent }, lastsMs) => {
    agent.process.stop()
    time.after(lastsMs, () => agent.process.continue())
  },
  'make the application sick': ({ time }, { application }, lastsMs) => {
    application.isSick = true
    time.after(lastsMs, () => {
      application.isSick = false
    })
  },
  'let promotions fail': ({ time }, { application }, lastsMs) => {
    application.failsPromotion = true
    time.after(lastsMs, () => {
      application.failsPromotion = false
    })
  },
  'let demotions hang': ({ time }, { application }, lastsMs) => {
    application.hangsDemotion = true
    time.after(lastsMs, () => {
      application.hangsDemotion = false
    })
  },
  'destroy the session': ({ agent }) => {
    const holder = agent.operator.holder(KEYS.lock)
    if (holder) agent.operator.destroySession(holder)
  },
  'turn the node critical': ({ agent, time }, { application }, lastsMs) => {
    agent.operator.setNode(application.node, 'critical')
    time.after(lastsMs, () => agent.operator.setNode(application.node, 'passing'))
  },
  'delete the key': ({ agent, ledger, time }) => {
    ledger.tamper(time.nowMs)
    agent.operator.deleteKey(KEYS.lock)
  },
  'take the leader away': ({ agent, time }, _, lastsMs) => {
    agent.operator.leaderless(true)
    time.after(lastsMs, () => agent.operator.leaderless(false))
  },
  'change the leader': ({ agent }) => agent.operator.changeLeader(),
  'restart the servers': ({ agent }) => agent.operator.restartServers({ forgetLockDelays: false }),
  'stop the servers': ({ agent, time }, _, lastsMs) => {
    agent.operator.sleep()
    time.after(lastsMs, () => agent.operator.wake())
  },
  'stir blocked reads': ({ agent }) => agent.operator.stirBlockedReads(),
  'ask for a step-down': ({ agent, time }, { application }) => {
    const at = new Date(time.now().wallMs).toISOString()
    const value = JSON.stringify({ node: application.node, by: 'simulated', at, force: true })
    operatorPuts(agent, KEYS.stepDown, value)
  },
  'schedule a switchover': ({ agent, time }, { application }, lastsMs) => {
    const at = new Date(time.now().wallMs + lastsMs).toISOString()
    operatorPuts(
      agent,
      KEYS.switchover,
      JSON.stringify({ id: at, candidate: application.node, at, by: 'simulated', force: true }),
    )
  },
  'have it lead, whatever it lacks': ({ agent, time }, { application }) => acceptLoss(agent, time, application.node),
  'stall its replication': ({ time }, { application }, lastsMs) => {
    application.isStalled = true
    time.after(lastsMs, () => {
      application.isStalled = false
    })
  },
  'disable the node': ({ agent, time }, { application }, lastsMs) => {
    const key = KEYS.nodes + application.node
    operatorPuts(agent, key, '{"disabled":true}')
    time.after(lastsMs, () => operatorPuts(agent, key, '{}'))
  },
}

/** Where a story of agents is played. */
export function leaderStage(time: VirtualClock, dice: Dice): LeaderStage {
  const agent = new DevAgent({ clock: time, random: dice.next })
  return { time, dice, ledger: new Ledger(), agent, catalog: new SimulatedCatalog(time, dice) }
}

/** Lets the story of a seed happen on a virtual clock. */
export async function tellOfLeaders(seed: number, timing: Timing = TIMING): Promise<LeaderEnding> {
  const time = new VirtualClock()
  const dice = new Dice(seed + 1)
  const stage = leaderStage(time, dice)
  const plan = new Dice(seed)
  const nodes = Array.from({ length: plan.whole(2, 3) }, (_, number): Node => {
    const machine = { rate: plan.chance(0.5) ? 1 : plan.between(1 / DRIFT, DRIFT), runs: [], wire: wireOf(plan) }
    const application = new SimulatedApplication(`m${number}`, time, dice, stage.ledger)
    application.isFlaky = true
    application.tellsRole = plan.chance(0.5)
    return { machine, application, agent: new SimulatedAgent(stage, machine, application, timing) }
  })
  replicate(
    time,
    dice,
    nodes.map(({ application }) => application),
  )
  for (let blows = plan.whole(0, 8); blows > 0; blows--) {
    const blow = BLOWS[plan.pick(Object.keys(BLOWS) as [string, ...string[]])] as Blow
    const node = nodes[plan.whole(0, nodes.length - 1)] as Node
    const [lastsMs, pauseMs] = [plan.between(500, 40_000), plan.between(100, 8000)]
    const restart = () => {
      time.after(pauseMs, async () => {
        await node.agent.guardian.rests
        if (node.agent.process.isDead) node.agent = new SimulatedAgent(stage, node.machine, node.application, timing)
      })
    }
    time.after(plan.between(0, TROUBLE_MS), () => blow(stage, node, lastsMs, restart))
  }
  await time.advance(TROUBLE_MS + CALM_MS)
  const { violations, living, lives: masters, excused } = stage.ledger
  const roles = nodes.filter(({ agent }) => agent.role === 'master').length
  const ends = living === 1 && roles === 1 ? [] : [`in the end there are ${living} masters and ${roles} tags of one`]
  return { violations: [...violations, ...ends], masters, excused }
}

function wireOf(dice: Dice): PlannedMachine['wire'] {
  return Array.from({ length: dice.whole(0, 2) }, () => {
    const fromMs = dice.between(0, TROUBLE_MS)
    return { fromMs, toMs: fromMs + dice.pick([500, 2000, 8000, 20_000, 60_000]), kind: dice.pick(WIRE_FAULTS) }
  })
}

/** As an operator has a node lead that lacks something. */
export function acceptLoss(agent: DevAgent, time: VirtualClock, node: string): void {
  const at = new Date(time.now().wallMs).toISOString()
  operatorPuts(agent, KEYS.promotion, JSON.stringify({ node, by: 'simulated', at, id: at, acceptLoss: true }))
}

/** As an operator writes a key. */
export function operatorPuts(agent: DevAgent, key: string, body: string): void {
  const request = { method: 'PUT', path: `/v1/kv/${key}`, body } as const
  agent.handle(request, new AbortController().signal).catch(() => {})
}
