import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from '../provide/debian.ts'
import { freePorts } from '../provide/ports.ts'
import { RedisClient, type Reply } from '../provide/redis-client.ts'
import { Links } from './links.ts'
import { lookAtEach } from './look-at-each.ts'
import type { NodePlace } from './node-place.ts'
import { RedisApp } from './redis-app.ts'
import type { FailoverCluster, Member, Parts, Sights, System } from './system.ts'

/** How Redis and its Sentinels are set up. */
export interface SentinelTuning {
  readonly name: string
  readonly title: string
  readonly downAfterMs: number
  /** Settings of Redis. */
  readonly redis?: Record<string, string | number>
}

/**
 * As Redis's documentation of Sentinel has it in its quick tutorial; and tuned: noticing sooner, with a master that
 * stops taking writes when no replica follows, as that documentation recommends for three machines.
 */
export const SENTINEL_TUNINGS: readonly SentinelTuning[] = [
  { name: 'sentinel', title: 'Redis Sentinel', downAfterMs: 5000 },
  {
    name: 'sentinel-tuned',
    title: 'Redis Sentinel, tuned',
    downAfterMs: 1000,
    redis: { 'min-replicas-to-write': 1, 'min-replicas-max-lag': 10 },
  },
]

const GROUP = 'lab'
const LOOK_MS = 50
const ANSWER_LIMIT_MS = 1000

/** Redis with a Sentinel on each node. */
export class SentinelSystem implements System {
  readonly name: string
  readonly title: string
  readonly application = 'redis'
  readonly usesConsul = false
  readonly #tuning: SentinelTuning
  readonly isolation = {
    cutOff: async ({ place }: Member) => (await this.#network)?.links.cut(place.address),
    heal: async () => (await this.#network)?.links.heal(),
  }

  /** That of the lab that there is now. */
  #network: Promise<Network> | undefined

  constructor(tuning: SentinelTuning) {
    this.name = tuning.name
    this.title = tuning.title
    this.#tuning = tuning
  }

  async prepare(place: NodePlace, cleanUp: AsyncDisposableStack): Promise<Parts> {
    const { dir, address, port, apiPort, first } = place
    this.#network ??= this.#openNetwork(first, cleanUp)
    const { links, redisPort, sentinelPort } = await this.#network
    await links.open({ address, port: redisPort, target: port })
    await links.open({ address, port: sentinelPort, target: apiPort })
    const app = await RedisApp.prepare(place, {
      ...this.#tuning.redis,
      'protected-mode': 'no',
      'bind-source-addr': address,
      'replica-announce-port': redisPort,
      ...(address === first ? {} : { replicaof: `${first} ${redisPort}` }),
    })
    const { path, env } = await program('redis-sentinel', 'redis-sentinel')
    const file = join(dir, 'sentinel.conf')
    const lines = [
      `bind ${address}`,
      `bind-source-addr ${address}`,
      `port ${apiPort}`,
      `dir ${dir}`,
      'protected-mode no',
      `sentinel announce-ip ${address}`,
      `sentinel announce-port ${sentinelPort}`,
      `sentinel monitor ${GROUP} ${first} ${redisPort} 2`,
      `sentinel down-after-milliseconds ${GROUP} ${this.#tuning.downAfterMs}`,
      `sentinel failover-timeout ${GROUP} 60000`,
      `sentinel parallel-syncs ${GROUP} 1`,
      '',
    ]
    writeFileSync(file, lines.join('\n'))
    return { app, keeper: { words: [path, file], env, log: join(dir, 'sentinel.log') } }
  }

  /** As clients do it: what the Sentinel of the latest configuration says. */
  watch({ nodes }: FailoverCluster, sights: Sights, signal: AbortSignal): Promise<unknown> {
    const views = new Map<string, View>()
    const look = async ({ name, place }: Member) => {
      const view = await viewOf(place).catch(() => undefined)
      if (view) views.set(name, view)
      else views.delete(name)
      const latest = [...views.values()].sort((a, b) => b.epoch - a.epoch)[0]
      const master = nodes.find(({ app }) => app.address === latest?.master)
      if (!master) return
      sights.holder(master.name)
      sights.masters([master.name])
    }
    return lookAtEach(nodes, LOOK_MS, signal, look)
  }

  async steadyMaster({ nodes }: FailoverCluster): Promise<string | undefined> {
    const views = await Promise.all(nodes.map(({ place }) => viewOf(place)))
    const [first] = views
    const agree = views.every(({ master, whole }) => whole && master === first?.master)
    const master = nodes.find(({ app }) => app.address === first?.master)
    if (!agree || !master) return undefined
    const others = nodes.filter((node) => node !== master)
    const follow = await Promise.all(others.map(({ app }) => app.follows()))
    return follow.every(Boolean) ? master.name : undefined
  }

  async handOver({ nodes }: FailoverCluster, master: Member): Promise<unknown> {
    const { place } = nodes.find((node) => node !== master) as Member
    return ask(place, 'SENTINEL', 'FAILOVER', GROUP)
  }

  async #openNetwork(first: string, cleanUp: AsyncDisposableStack): Promise<Network> {
    const links = cleanUp.use(new Links())
    cleanUp.defer(() => {
      this.#network = undefined
    })
    const { http: redisPort, dns: sentinelPort } = await freePorts({}, first)
    return { links, redisPort, sentinelPort }
  }
}

/** How nodes find each other, and the ports at which others find a Redis and a Sentinel. */
interface Network {
  readonly links: Links
  readonly redisPort: number
  readonly sentinelPort: number
}

/** What one Sentinel says. */
interface View {
  readonly master: string
  readonly epoch: number
  /** It finds the master, all replicas and all other Sentinels well. */
  readonly whole: boolean
}

async function viewOf(place: NodePlace): Promise<View> {
  const sentinel = await RedisClient.open(place.address, place.apiPort)
  try {
    const limit = AbortSignal.timeout(ANSWER_LIMIT_MS)
    limit.addEventListener('abort', () => sentinel.close())
    const [master] = (await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', GROUP)) as string[]
    const about = fields(await sentinel.command('SENTINEL', 'MASTER', GROUP))
    const replicas = ((await sentinel.command('SENTINEL', 'REPLICAS', GROUP)) as Reply[]).map(fields)
    const sentinels = ((await sentinel.command('SENTINEL', 'SENTINELS', GROUP)) as Reply[]).map(fields)
    const well = [about, ...replicas, ...sentinels].every((one) => !/down|disconnected/.test(one.get('flags') ?? ''))
    return {
      master: master ?? '',
      epoch: Number(about.get('config-epoch')),
      whole: well && replicas.length === 2 && sentinels.length === 2 && about.get('flags') === 'master',
    }
  } finally {
    sentinel.close()
  }
}

async function ask(place: NodePlace, ...words: string[]): Promise<Reply> {
  const sentinel = await RedisClient.open(place.address, place.apiPort)
  return sentinel.command(...words).finally(() => sentinel.close())
}

function fields(reply: Reply): Map<string, string> {
  const words = reply as string[]
  return new Map(words.flatMap((name, n) => (n % 2 === 0 ? [[name, words[n + 1] ?? ''] as const] : [])))
}
