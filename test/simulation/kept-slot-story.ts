import type { WireRequest } from '../../src/consul/wire.ts'
import { DevAgent } from '../../src/devagent/dev-agent.ts'
import { Dice } from '../virtual/dice.ts'
import type { WireFate } from '../virtual/faulty-transport.ts'
import { VirtualClock } from '../virtual/virtual-clock.ts'
import type { Life } from './ledger.ts'
import { type PlannedMachine, type Schedule, scheduleOf } from './schedule.ts'
import { SlotLedger } from './slot-ledger.ts'
import { FOLDER, type LifeEnd, type SlotSeat, wordOf } from './slot-runner.ts'
import { BLOWS, beginLife, type World } from './slot-story.ts'

/** How a story ended. */
export interface KeptEnding {
  readonly violations: readonly string[]
  readonly reboots: number
  /** The most hosts that ever upgraded or were down at once. */
  readonly most: number
}

/** What may become of a single transaction; a step makes up to so many. */
const FAULTS = ['refused', 'black-hole', 'cut', 'reply-lost'] as const
const TRANSACTIONS = 6

/** How often a host makes a step. */
const STEP_MS = 5000
const AFTERMATH_MS = 2_000_000

/**
 * Has each machine of a seed's schedule go through its upgrades, one after the other: a command, a reboot with the slot
 * kept, another command. Whoever upgrades or is down counts, and who is up again until Consul has its word that it is.
 * Some lose the reply to a single transaction, are killed or lose their session right when they have their slots.
 * Without `keeps` the slot is given back for the reboot.
 */
export async function tellKeptSlots(
  seed: number,
  limit: number,
  keeps = true,
  schedule: Schedule = scheduleOf(seed),
): Promise<KeptEnding> {
  const time = new VirtualClock()
  const dice = new Dice(seed + 1)
  const agent = new DevAgent({ clock: time, random: dice.next })
  const ledger = new SlotLedger(limit)
  const world = { time, dice, agent, ledger }
  const hosts = schedule.machines.map(
    (machine, number) => new SimulatedHost(world, machine, `m${number}`, limit, keeps),
  )
  for (const { atMs, kind, lastsMs, machine } of schedule.incidents) {
    time.after(atMs, () => BLOWS[kind]?.(world, lastsMs, hosts[machine]?.seat))
  }
  await time.advance(schedule.calmMs + AFTERMATH_MS)
  const violations = [...ledger.violations]
  for (const { name, left } of hosts) if (left > 0) violations.push(`${name} has ${left} upgrades left`)
  if (ledger.living > 0) violations.push(`${ledger.living} hosts are still at work or down`)
  if (agent.operator.sessions().length > 0) violations.push(`${agent.operator.sessions().length} sessions are left`)
  for (let slot = 1; slot <= limit; slot++) {
    const entry = agent.operator.entry(`${FOLDER}${slot}`)
    const isKept = Buffer.from(entry?.value ?? '', 'base64').includes('reservedFor')
    if (entry?.session || isKept) violations.push(`the slot ${slot} is still taken`)
  }
  return { violations, reboots: hosts.reduce((sum, { reboots }) => sum + reboots, 0), most: ledger.most }
}

class SimulatedHost {
  readonly name: string
  readonly #world: World
  readonly #machine: PlannedMachine
  readonly #limit: number
  readonly #keeps: boolean
  #nth = 0
  #steps = 0
  /** While it is down, or about to go down. */
  #down: Life | undefined
  reboots = 0
  seat: SlotSeat | undefined

  constructor(world: World, machine: PlannedMachine, name: string, limit: number, keeps: boolean) {
    this.name = name
    this.#world = world
    this.#machine = machine
    this.#limit = limit
    this.#keeps = keeps
    world.time.after(machine.runs[0]?.atMs ?? 0, () => this.#step())
  }

  get left(): number {
    return this.#machine.runs.length - this.#nth
  }

  #step(): void {
    const plan = this.#machine.runs[this.#nth]
    if (!plan) return
    const isBack = this.#down !== undefined
    let end: LifeEnd = 'broken'
    this.#steps += 1
    const life = `${this.name}/${this.#steps}`
    const rebooting = {
      host: this.name,
      isBack,
      onKept: () => this.#goDown(),
      onTaken: () => this.#strike(),
      onAnswered: () => isBack && this.#comeUpWith(life),
    }
    // Who gives its slot back for the reboot goes down all the same, and comes back without one.
    const isReleased = !this.#keeps && !isBack
    const seat = beginLife(this.#world, this.#machine, { ...plan, waitMs: 0 }, life, this.#limit, {
      ...(isReleased ? {} : { rebooting }),
      fateOf: this.#loss(),
      onEnd: (how) => {
        end = isReleased && how === 'done' ? 'kept' : how
        if (isReleased && end === 'kept') this.#goDown()
      },
    })
    this.seat = seat
    seat.process.onEnd(() => this.#next(end))
  }

  #goDown(): void {
    const { ledger, time } = this.#world
    this.reboots += 1
    this.#down = ledger.begin(`${this.name} down`, 0, time.nowMs)
  }

  /** Whether or not this life hears that its word has come to Consul. */
  #comeUpWith(life: string): void {
    const { agent, ledger } = this.#world
    if (!this.#down || Buffer.from(agent.operator.entry(wordOf(this.name))?.value ?? '', 'base64').toString() !== life)
      return
    ledger.end(this.#down)
    this.#down = undefined
  }

  /** In some lives one transaction has a fault of its own. */
  #loss(): (request: WireRequest) => WireFate | undefined {
    const { dice } = this.#world
    const lost = dice.chance(0.3) ? dice.whole(1, TRANSACTIONS) : 0
    const kind = dice.pick(FAULTS)
    let sent = 0
    return ({ path }) => {
      if (path.startsWith('/v1/txn')) sent += 1
      return path.startsWith('/v1/txn') && sent === lost ? { outMs: 1, backMs: 1, fault: { kind } } : undefined
    }
  }

  #strike(): void {
    const { agent, dice } = this.#world
    if (dice.chance(0.1)) this.seat?.process.end()
    const session = agent.operator.holder(`${FOLDER}host/${this.name}/1`)
    if (session !== undefined && dice.chance(0.1)) agent.operator.destroySession(session)
  }

  #next(end: LifeEnd): void {
    if (end === 'done') this.#nth += 1
    const bootMs = end === 'kept' ? this.#world.dice.between(1000, 90_000) : 0
    this.#world.time.after(STEP_MS + bootMs, () => this.#step())
  }
}
