import type { Context } from '../../src/base/context.ts'
import { Consul } from '../../src/consul/consul.ts'
import type { Transport, WireRequest } from '../../src/consul/wire.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { Dice } from '../virtual/dice.ts'
import { FaultyTransport, type WireFate } from '../virtual/faulty-transport.ts'
import { NO_SETTINGS } from '../virtual/settings.ts'
import { SILENT } from '../virtual/silent-log.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'
import { SimulatedGuardian } from './guardian.ts'
import { LeaseWitness } from './lease-witness.ts'
import { MachineClock } from './machine-clock.ts'
import { into, SimulatedProcess } from './process.ts'
import { type Incident, type PlannedMachine, type PlannedRun, type Schedule, scheduleOf } from './schedule.ts'
import { SlotLedger } from './slot-ledger.ts'
import { FOLDER, giveBackFor, type LifeEnd, liveOnce, type Rebooting, type SlotSeat } from './slot-runner.ts'
import { fateAt } from './wire.ts'

export interface SlotEnding {
  readonly violations: readonly string[]
  readonly lives: number
  readonly most: number
}

const AFTERMATH_MS = 400_000

/** Lets contenders for the slots of one semaphore live through a seed's faults, on a virtual clock. */
export async function tellSlots(
  seed: number,
  limit: number,
  schedule: Schedule = scheduleOf(seed),
): Promise<SlotEnding> {
  const time = new VirtualClock()
  const dice = new Dice(seed + 1)
  const agent = new DevAgent({ clock: time, random: dice.next })
  const ledger = new SlotLedger(limit)
  const seats: SlotSeat[][] = schedule.machines.map(() => [])
  const world = { time, dice, agent, ledger }
  for (const [number, machine] of schedule.machines.entries()) {
    for (const [nth, plan] of machine.runs.entries()) {
      time.after(plan.atMs, () => seats[number]?.push(beginLife(world, machine, plan, `m${number}/${nth}`, limit)))
    }
  }
  for (const incident of schedule.incidents) {
    time.after(incident.atMs, () => BLOWS[incident.kind]?.(world, incident.lastsMs, seats[incident.machine]?.at(-1)))
  }
  await time.advance(schedule.calmMs + AFTERMATH_MS)
  const violations = [...ledger.violations]
  const unended = seats.flat().filter(({ process }) => !process.isDead)
  if (unended.length > 0) violations.push(`${unended.length} contenders have not ended`)
  if (ledger.living > 0) violations.push(`${ledger.living} commands still live`)
  if (agent.operator.sessions().length > 0) violations.push(`${agent.operator.sessions().length} sessions are left`)
  return { violations, lives: ledger.lives, most: ledger.most }
}

/** What a story happens in. */
export interface World {
  readonly time: VirtualClock
  readonly dice: Dice
  readonly agent: DevAgent
  readonly ledger: SlotLedger
}

/** How a life is told beside its plan. */
export interface LifeOptions {
  readonly rebooting?: Rebooting
  /** What the wire does to one of its requests, whatever else is wrong with it. */
  readonly fateOf?: (request: WireRequest) => WireFate | undefined
  /** Hears how it ended, and nothing when it was killed. */
  readonly onEnd?: (end: LifeEnd) => void
}

/** Begins a contender's life. */
export function beginLife(
  world: World,
  machine: PlannedMachine,
  plan: PlannedRun,
  name: string,
  limit: number,
  { rebooting, fateOf = () => undefined, onEnd = () => {} }: LifeOptions = {},
): SlotSeat {
  const { time, dice, agent } = world
  const process = new SimulatedProcess(time)
  const undying = new SimulatedProcess(time)
  const context = (of: SimulatedProcess): Context => ({
    clock: new MachineClock(time, machine.rate, of),
    log: SILENT,
    signal: new AbortController().signal,
    random: dice.next,
  })
  const node = name.split('/')[0] as string
  const answering = heard(agent.transport(node), () => rebooting?.onAnswered())
  const client = (of: SimulatedProcess, seen = (transport: Transport) => transport) => {
    const fate = (request: WireRequest) => fateOf(request) ?? fateAt(machine, time.nowMs, dice)
    return new Consul(NO_SETTINGS, seen(into(of, new FaultyTransport(answering, time, fate))))
  }
  const heir = { ctx: context(undying), consul: client(undying) }
  const guardian = new SimulatedGuardian(heir.ctx, plan.timing.graceMs, process, (id) => giveBackFor(heir, id))
  const ctx = context(process)
  const witness = new LeaseWitness(ctx.clock)
  const consul = client(process, (transport) => witness.over(transport))
  const seat: SlotSeat = { name, stage: world, process, guardian, ctx, consul, witness }
  liveOnce(seat, plan, limit, rebooting).then((end) => {
    onEnd(end)
    process.end()
  })
  return seat
}

/** The same transport, which tells of each answer where that is given. */
function heard(transport: Transport, onAnswered: () => void): Transport {
  return {
    send: async (request, signal) => {
      const reply = await transport.send(request, signal)
      onAnswered()
      return reply
    },
    close: () => transport.close(),
  }
}

type Blow = (world: World, lastsMs: number, seat: SlotSeat | undefined) => void

/** What no lock can survive (a key deleted by hand, a restored snapshot) is left out. */
export const BLOWS: Partial<Record<Incident['kind'], Blow>> = {
  'kill-runner': (_, __, seat) => seat?.process.end(),
  'stop-runner': ({ time }, lastsMs, seat) => {
    seat?.process.stop()
    time.after(lastsMs, () => seat?.process.continue())
  },
  'destroy-session': ({ agent, dice }) => {
    const victim = agent.operator.holder(`${FOLDER}${dice.whole(1, 2)}`)
    if (victim !== undefined) agent.operator.destroySession(victim)
  },
  'node-critical': ({ agent, time, dice }, lastsMs) => {
    const node = `m${dice.whole(0, 4)}`
    agent.operator.setNode(node, 'critical')
    time.after(lastsMs, () => agent.operator.setNode(node, 'passing'))
  },
  'no-leader': ({ agent, time }, lastsMs) => {
    agent.operator.leaderless(true)
    time.after(lastsMs, () => agent.operator.leaderless(false))
  },
  'change-leader': ({ agent }) => agent.operator.changeLeader(),
  'stir-reads': ({ agent }) => agent.operator.stirBlockedReads(),
  'stop-servers': ({ agent, time }, lastsMs) => {
    agent.operator.sleep()
    time.after(lastsMs, () => agent.operator.wake())
  },
}
