import { setTimeout as delay } from 'node:timers/promises'
import { RedisClient } from '../provide/redis-client.ts'
import type { Lab } from './lab.ts'
import type { LabNode, Part } from './node.ts'
import type { System } from './system.ts'

/** The words by which a hand-over was refused. */
export class Refusal extends Error {}

/** Something that takes the lead from a master, or makes it unfit for it. */
export interface MasterFault {
  readonly name: string
  /** What the table calls it. */
  readonly title: string
  /** The master hands over by itself; nothing that was acknowledged may be lost. */
  readonly controlled?: true
  /** Whether there is such a thing for a system; for every one, when this says nothing. */
  readonly concerns?: (system: System) => boolean
  /** How long a master that goes on is watched, before it is taken to stay; in milliseconds, a moment by default. */
  readonly watchMs?: number
  /** Does it to the master. */
  inject(lab: Lab, master: LabNode): unknown
  /** Undoes what `LabNode.mend` doesn't know of. */
  repair?(lab: Lab, master: LabNode): Promise<unknown>
}

/** A supervisor starts an application again after so long. */
const RESTART_MS = 100
const KEEPER_RESTART_MS = 3000
/** Consul and Patroni take their time to find that a lease is over: up to twice its length. */
const LEASES_MS = 75_000
const SERVERS_AWAY_MS = 40_000
const POWER_AWAY_MS = 2000
/** What a standby misses before the master steps down. */
const BEHIND_MS = 2000
const SCRIPT_S = 20
/** What has been waiting behind the script is answered within this time. */
const LEFT_ALONE_MS = 2000

const onRedis = ({ application }: System) => application === 'redis'
const onConsul = ({ usesConsul }: System) => usesConsul
const withExclusion = ({ exclusion }: System) => exclusion !== undefined

const hurt = (name: string, title: string, part: Part, signal: 'SIGKILL' | 'SIGSTOP'): MasterFault => ({
  name,
  title,
  ...(part === 'consul' && { concerns: onConsul }),
  ...(part !== 'app' && { watchMs: LEASES_MS }),
  inject: (_, master) => master.hurt(part, signal),
})

/** All faults, each of its kind. */
export const MASTER_FAULTS: readonly MasterFault[] = [
  {
    name: 'step-down',
    title: 'hand-over by an operator (`leader step-down`)',
    controlled: true,
    inject: handOver,
  },
  {
    name: 'step-down-hung-standby',
    title: 'the same, and a standby hangs (STOP)',
    controlled: true,
    inject: async (lab, master) => {
      standbyOf(lab, master).hurt('app', 'SIGSTOP')
      await delay(BEHIND_MS)
      await handOver(lab, master)
    },
  },
  {
    name: 'disable',
    title: '`leader disable`',
    controlled: true,
    concerns: withExclusion,
    inject: (lab, master) => lab.system.exclusion?.exclude(lab, master),
    repair: async (lab, master) => lab.system.exclusion?.readmit(lab, master),
  },
  {
    name: 'agent-terminated',
    title: 'failover agent stopped (TERM)',
    controlled: true,
    inject: (_, master) => master.hurt('keeper', 'SIGTERM'),
  },
  hurt('app-killed', 'application killed -9', 'app', 'SIGKILL'),
  { name: 'app-restarted', title: 'application killed -9, up again after 0.1 s', concerns: onRedis, inject: restart },
  hurt('app-stopped', 'application stopped (STOP)', 'app', 'SIGSTOP'),
  {
    name: 'password-set',
    title: '`CONFIG SET requirepass` by an operator, then a hand-over',
    concerns: onRedis,
    inject: async (lab, master) => {
      await command(master, 'CONFIG', 'SET', 'requirepass', 'secret')
      // It may be refused, or fenced under the operator's hands.
      await handOver(lab, master).catch(() => {})
    },
    repair: async (_, master) => master.hurt('app', 'SIGKILL'),
  },
  {
    name: 'script-busy',
    title: `a script that blocks Redis for ${SCRIPT_S} s (BUSY)`,
    concerns: onRedis,
    inject: (_, master) => void command(master, 'EVAL', 'while true do end', 0).catch(() => {}),
    repair: async (_, master) => {
      await delay(SCRIPT_S * 1000)
      // One that was fenced isn't there any more.
      await command(master, 'SCRIPT', 'KILL').catch(() => {})
      await delay(LEFT_ALONE_MS)
    },
  },
  hurt('agent-killed', 'failover agent killed -9', 'keeper', 'SIGKILL'),
  {
    name: 'agent-and-guardian-killed',
    title: 'failover agent and its guardian killed -9, started again after 3 s',
    watchMs: LEASES_MS,
    inject: async (_, master) => {
      master.killKeeper()
      await delay(KEEPER_RESTART_MS)
      master.keeper.start()
    },
  },
  hurt('agent-stopped', 'failover agent stopped (STOP)', 'keeper', 'SIGSTOP'),
  hurt('consul-killed', 'local Consul agent killed -9', 'consul', 'SIGKILL'),
  hurt('consul-stopped', 'local Consul agent stopped (STOP)', 'consul', 'SIGSTOP'),
  {
    name: 'consul-restarted',
    title: 'local Consul agent restarted (it leaves, as by default)',
    concerns: onConsul,
    inject: async (_, { agent }) => {
      agent.kill('SIGTERM')
      await agent.exited()
      await agent.restart()
    },
  },
  {
    name: 'consul-restarted-in-place',
    title: 'the same, and it keeps its place (as with `leave_on_terminate: false`)',
    concerns: onConsul,
    watchMs: LEASES_MS,
    inject: async (_, { agent }) => {
      agent.kill('SIGKILL')
      await agent.exited()
      await agent.restart()
    },
  },
  {
    name: 'servers-away',
    title: `Consul's servers gone for ${SERVERS_AWAY_MS / 1000} s`,
    concerns: onConsul,
    inject: async ({ servers }) => {
      for (const server of servers) server.kill('SIGKILL')
      await delay(SERVERS_AWAY_MS)
      await Promise.all(servers.map((server) => server.restart()))
    },
  },
  {
    name: 'partition',
    title: 'failover agent cut off from Consul, or from all other nodes; clients are not (black hole)',
    concerns: (system) => onConsul(system) || system.isolation !== undefined,
    watchMs: LEASES_MS,
    inject: ({ system: { isolation } }, master) =>
      isolation ? isolation.cutOff(master) : master.proxy.begin('black-hole'),
    repair: async ({ system: { isolation } }) => isolation?.heal(),
  },
  { name: 'node-dead', title: 'node dead', inject: (_, master) => master.powerOff() },
  {
    name: 'power-lost',
    title: 'everything loses power, and gets it back after 2 s',
    inject: async ({ servers, nodes }) => {
      for (const node of nodes) node.powerOff()
      for (const server of servers) server.kill('SIGKILL')
      await delay(POWER_AWAY_MS)
      await Promise.all([...servers.map((server) => server.restart()), ...nodes.map((node) => node.mend())])
    },
  },
]

/** The faults that there are for a system. */
export function faultsOf(system: System, faults: readonly MasterFault[]): MasterFault[] {
  return faults.filter(({ concerns }) => concerns?.(system) ?? true)
}

async function handOver(lab: Lab, master: LabNode): Promise<void> {
  try {
    await lab.system.handOver(lab, master)
  } catch (error) {
    throw new Refusal((error as Error).message, { cause: error })
  }
}

function standbyOf(lab: Lab, master: LabNode): LabNode {
  return lab.nodes.find((node) => node !== master) as LabNode
}

async function restart(_: Lab, { app }: LabNode): Promise<void> {
  app.signal('SIGKILL')
  await delay(RESTART_MS)
  await app.start()
}

async function command({ app }: LabNode, ...words: (string | number)[]): Promise<unknown> {
  const redis = await RedisClient.open(app.address, app.port)
  return redis.command(...words).finally(() => redis.close())
}
