import { Dice } from '../../virtual/dice.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'
import { KEYS, type LeaderStage, SimulatedAgent } from './agent.ts'
import { SimulatedApplication } from './application.ts'
import { replicate } from './replication.ts'
import { acceptLoss, leaderStage, operatorPuts } from './story.ts'

interface Node {
  readonly application: SimulatedApplication
  readonly agent: SimulatedAgent
}

/** How a master's reign ends. */
const ENDS: Readonly<Record<string, (stage: LeaderStage, master: Node) => void>> = {
  sickness: (_, { application }) => {
    application.isSick = true
  },
  'the agent killed': (_, { agent }) => agent.process.end(),
  'the agent ended': (_, { agent }) => agent.stop(),
  'the agent hangs': (_, { agent }) => agent.process.stop(),
  'the session destroyed': ({ agent }) => {
    const holder = agent.operator.holder(KEYS.lock)
    if (holder) agent.operator.destroySession(holder)
  },
}

/** How a seed's succession went. */
export interface Succession {
  readonly end: string
  /** From the end of the reign to the next promotion, in milliseconds. */
  readonly tookMs: number
  /** How much the next master was behind the best of the living. */
  readonly lack: bigint
  /** The living differ in what they have. */
  readonly matters: boolean
}

const NODES = 4
const SETTLING_MS = 40_000
const PATIENCE_MS = 120_000

/** A cluster that has settled, and some of whose slaves have stalled since. */
async function settled(seed: number) {
  const time = new VirtualClock()
  const dice = new Dice(seed + 1)
  const stage = leaderStage(time, dice)
  const nodes = Array.from({ length: NODES }, (_, number): Node => {
    const application = new SimulatedApplication(`m${number}`, time, dice, stage.ledger)
    return { application, agent: new SimulatedAgent(stage, { rate: 1, runs: [], wire: [] }, application) }
  })
  const applications = nodes.map(({ application }) => application)
  replicate(time, dice, applications)
  const plan = new Dice(seed)
  await time.advance(SETTLING_MS)
  for (const application of applications) {
    time.after(plan.between(0, SETTLING_MS), () => {
      application.isStalled = plan.chance(0.7)
    })
  }
  await time.advance(SETTLING_MS)
  const master = nodes.find(({ application }) => application.isMaster)
  if (!master) throw new Error(`seed ${seed}: nobody is master after ${2 * SETTLING_MS} ms`)
  return { time, stage, plan, applications, master }
}

/** On a sound wire a master goes, and somebody comes after it. */
export async function tellOfSuccession(seed: number): Promise<Succession> {
  const { time, stage, plan, applications, master } = await settled(seed)
  const end = plan.pick(Object.keys(ENDS) as [string, ...string[]])
  const endedMs = time.nowMs
  const { promise, resolve } = Promise.withResolvers<Succession>()
  const next = (successor: SimulatedApplication) => {
    const others =
      end === 'the session destroyed' ? applications : applications.filter((it) => it !== master.application)
    const most = others.reduce((most, { position }) => (position > most ? position : most), 0n)
    const matters = others.some(({ position }) => position !== most)
    resolve({ end, tookMs: time.nowMs - endedMs, lack: most - successor.position, matters })
  }
  for (const application of applications) application.onMaster = next
  ENDS[end]?.(stage, master)
  await time.advance(PATIENCE_MS)
  return Promise.race([promise, Promise.reject(new Error(`seed ${seed}: nobody came after ${end}`))])
}

/** How a seed's hand-over went. */
export interface HandoverStory {
  readonly seed: number
  /** Somebody follows the master, and could take over. */
  readonly possible: boolean
  readonly happened: boolean
  /** What the next master lacks of what the master had when it was asked. */
  readonly lack: bigint
}

/** On a sound wire an operator asks a master to hand over. */
export async function tellOfHandover(seed: number): Promise<HandoverStory> {
  const { time, stage, applications, master } = await settled(seed)
  const slaves = applications.filter((application) => application !== master.application)
  const possible = slaves.some(({ isStalled }) => !isStalled)
  const target = master.application.position
  let happened = false
  let lack = 0n
  for (const application of slaves) {
    application.onMaster = ({ position }) => {
      happened = true
      lack = target - position
    }
  }
  const request = { node: master.application.node, by: 'simulated', at: new Date(time.now().wallMs).toISOString() }
  operatorPuts(stage.agent, KEYS.stepDown, JSON.stringify(request))
  await time.advance(SETTLING_MS)
  return { seed, possible, happened, lack }
}

/** How a seed's loss was accepted. */
export interface AcceptedLoss {
  readonly seed: number
  /** Became master before anybody had accepted that. */
  readonly rash: string | undefined
  readonly chosen: string
  /** Who became master in the end, in this order. */
  readonly masters: readonly string[]
  /** The note of the last master is gone. */
  readonly isForgotten: boolean
  readonly violations: readonly string[]
}

/** On a sound wire the last master is gone with what only it had, and an operator has one of the others lead. */
export async function tellOfAcceptedLoss(seed: number): Promise<AcceptedLoss> {
  const { time, stage, plan, applications, master } = await settled(seed)
  const note = () => stage.agent.operator.entry(KEYS.note) !== undefined
  operatorPuts(stage.agent, KEYS.note, '{"node":"gone","history":"h","position":"1","slack":"0"}')
  const slaves = applications.filter((application) => application !== master.application)
  const masters: string[] = []
  for (const application of slaves) {
    application.lacksNoted = note
    application.onMaster = ({ node }) => masters.push(node)
  }
  master.application.isSick = true
  master.agent.process.end()
  await time.advance(PATIENCE_MS)
  const [rash] = masters
  const chosen = slaves[plan.whole(0, slaves.length - 1)]?.node as string
  acceptLoss(stage.agent, time, chosen)
  await time.advance(PATIENCE_MS)
  return { seed, rash, chosen, masters, isForgotten: !note(), violations: stage.ledger.violations }
}
