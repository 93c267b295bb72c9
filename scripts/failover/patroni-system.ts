import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, unpackPackage } from '../provide/debian.ts'
import { followList, heldValue, type KeyEntry } from './follow-list.ts'
import { lookAtEach } from './look-at-each.ts'
import { giveTo, type NodePlace } from './node-place.ts'
import { NUMBERS_TABLE, POSTGRES_SETTINGS, PostgresApp, postgresPrograms } from './postgres-app.ts'
import type { FailoverCluster, Member, Parts, Sights, System } from './system.ts'

/** How Patroni is set up; all in seconds. */
export interface PatroniTuning {
  readonly name: string
  readonly title: string
  readonly ttl: number
  readonly loop_wait: number
  readonly retry_timeout: number
}

/** As it is by default; and as quick as Patroni's documentation allows, with loop_wait + 2 × retry_timeout ≤ ttl. */
export const PATRONI_TUNINGS: readonly PatroniTuning[] = [
  { name: 'patroni', title: 'Patroni', ttl: 30, loop_wait: 10, retry_timeout: 10 },
  { name: 'patroni-tuned', title: 'Patroni, tuned', ttl: 20, loop_wait: 5, retry_timeout: 5 },
]

const SCOPE = 'lab'
const LOOK_MS = 100
const ANSWER_LIMIT_MS = 1000
const SWITCHOVER_LIMIT_MS = 60_000

/** PostgreSQL with a Patroni on each node. */
export class PatroniSystem implements System {
  readonly name: string
  readonly title: string
  readonly application = 'postgres'
  readonly usesConsul = true
  readonly #tuning: PatroniTuning

  constructor(tuning: PatroniTuning) {
    this.name = tuning.name
    this.title = tuning.title
    this.#tuning = tuning
  }

  async prepare(place: NodePlace): Promise<Parts> {
    const { dir, address, port } = place
    const { bin, env: programs, user } = await postgresPrograms()
    giveTo(user, dir)
    const file = join(dir, 'patroni.json')
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(this.#settings(place, bin), null, 2))
    const table = join(dir, 'create-table')
    writeFileSync(table, `#!/bin/sh\nexec psql --no-psqlrc --quiet --dbname="$1" --command='${NUMBERS_TABLE}'\n`)
    chmodSync(table, 0o755)
    const { words, env } = await patroni()
    const [program = '', ...args] = [...user.words, ...words, file]
    const app = new PostgresApp({ address, port, data: join(dir, 'data'), bin, env: programs })
    return { app, keeper: { words: [program, ...args], env: { ...programs, ...env }, log: join(dir, 'patroni.log') } }
  }

  /**
   * The lead is a key in Consul; clients go to whom Patroni's own API calls the primary, as a load balancer does it.
   */
  watch({ server, nodes }: FailoverCluster, sights: Sights, signal: AbortSignal): Promise<unknown> {
    const primaries = new Set<string>()
    const look = async ({ name, place }: Member) => {
      if (await isPrimary(place)) primaries.add(name)
      else primaries.delete(name)
      sights.masters([...primaries])
    }
    const seeHolder = (entries: KeyEntry[]) => sights.holder(heldValue(entries))
    return Promise.all([
      followList(`${server}/v1/kv/service/${SCOPE}/leader`, seeHolder, signal),
      lookAtEach(nodes, LOOK_MS, signal, look),
    ])
  }

  async steadyMaster({ nodes }: FailoverCluster): Promise<string | undefined> {
    const views = await Promise.all(nodes.map(({ place }) => members(place)))
    const leaders = views.map((view) => view.find(({ role }) => role === 'leader')?.name)
    const [leader] = leaders
    const agree = leaders.every((name) => name === leader)
    const well = views.every((view) => view.length === nodes.length && view.every(isWell))
    if (!agree || !well) return undefined
    const follow = nodes.filter(({ name }) => name !== leader).map(({ app }) => app.follows())
    return (await Promise.all(follow)).every(Boolean) ? leader : undefined
  }

  async handOver(_: FailoverCluster, { name, place }: Member): Promise<unknown> {
    const response = await fetch(`${apiOf(place)}/switchover`, {
      method: 'POST',
      body: JSON.stringify({ leader: name }),
      signal: AbortSignal.timeout(SWITCHOVER_LIMIT_MS),
    })
    if (!response.ok) throw new Error(await response.text())
    return response.text()
  }

  #settings({ name, dir, address, port, apiPort, consul }: NodePlace, bin: string): object {
    const { ttl, loop_wait, retry_timeout } = this.#tuning
    const api = `${address}:${apiPort}`
    return {
      scope: SCOPE,
      name,
      restapi: { listen: api, connect_address: api },
      consul: { url: consul },
      bootstrap: {
        dcs: {
          ttl,
          loop_wait,
          retry_timeout,
          maximum_lag_on_failover: 1_048_576,
          postgresql: { use_pg_rewind: true, use_slots: true, parameters: POSTGRES_SETTINGS },
        },
        initdb: [{ encoding: 'UTF8' }, { auth: 'trust' }, 'no-sync'],
        post_bootstrap: join(dir, 'create-table'),
      },
      postgresql: {
        listen: `${address}:${port}`,
        connect_address: `${address}:${port}`,
        data_dir: join(dir, 'data'),
        bin_dir: bin,
        pgpass: join(dir, 'pgpass'),
        pg_hba: ['all', 'replication'].map((database) => `host ${database} all 127.0.0.0/8 trust`),
        authentication: {
          superuser: { username: 'postgres', password: 'postgres' },
          replication: { username: 'replicator', password: 'replicator' },
        },
        parameters: { unix_socket_directories: '' },
      },
    }
  }
}

/** Debian's Patroni with its client for Consul, and the Python that runs both. */
async function patroni(): Promise<{ words: string[]; env: NodeJS.ProcessEnv }> {
  const roots = await Promise.all(['patroni', 'python3-consul'].map((name) => unpackPackage({ package: name })))
  const dirs = ['/usr/bin', ...roots.map((root) => join(root, 'usr/bin'))]
  const [python, script] = await Promise.all(['python3', 'patroni'].map((name) => findProgram(name, dirs)))
  if (!python || !script) throw new Error("Debian's python3 and patroni are not to be found")
  const modules = roots.map((root) => join(root, 'usr/lib/python3/dist-packages'))
  return { words: [python, script], env: { PYTHONPATH: modules.join(':'), PYTHONNOUSERSITE: '1' } }
}

function apiOf({ address, apiPort }: NodePlace): string {
  return `http://${address}:${apiPort}`
}

async function isPrimary(place: NodePlace): Promise<boolean> {
  try {
    const { status, body } = await fetch(`${apiOf(place)}/primary`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
    await body?.cancel()
    return status === 200
  } catch {
    return false
  }
}

interface PatroniMember {
  readonly name: string
  readonly role: string
  readonly state: string
}

async function members(place: NodePlace): Promise<readonly PatroniMember[]> {
  const response = await fetch(`${apiOf(place)}/cluster`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
  return ((await response.json()) as { members: PatroniMember[] }).members
}

function isWell({ state }: PatroniMember): boolean {
  return state === 'running' || state === 'streaming'
}
