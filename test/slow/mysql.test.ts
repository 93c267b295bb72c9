import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { patiently, type Running, startLocker } from '../kit/locker.ts'
import { MariadbNode, newDataDirectory } from '../kit/mariadb-node.ts'
import { uniqueName } from '../kit/unique.ts'

const TIMEOUT = { timeout: 300_000 }

/** Writes the file of a node's agent. */
async function fileOf(node: MariadbNode, name: string, keys: Readonly<Record<string, unknown>> = {}) {
  const file = join(node.dir, 'app.yaml')
  const api = `127.0.0.1:${(await freePorts()).http}`
  const all = { name, port: node.port, address: '127.0.0.1', api, application: 'mysql', ...keys }
  writeFileSync(file, JSON.stringify({ ...all, mysql: node.section }))
  return { file, api }
}

interface Agent {
  readonly name: string
  readonly node: MariadbNode
  readonly api: string
  readonly locker: Running
}

/** Three machines, each with a MariaDB and the agents of Consul and of the database. */
async function threeNodes(name: string, client: ConsulAgent[]): Promise<Agent[]> {
  const data = await newDataDirectory()
  const nodes = await Promise.all([1, 2, 3].map((id) => MariadbNode.start(data, id)))
  return Promise.all(
    nodes.map(async (node, at) => {
      const { file, api } = await fileOf(node, name, { interval: '500ms', min_leader_time: '0s' })
      const { PATH, LD_LIBRARY_PATH } = node.env
      const address = client[at]?.address ?? ''
      const locker = startLocker(['leader', '-f', file], { address, env: { PATH, LD_LIBRARY_PATH } })
      return { name: `n${at + 1}`, node, api, locker }
    }),
  )
}

async function threeConsuls(): Promise<ConsulAgent[]> {
  const first = await startConsul({ node: 'n1' })
  onTestFinished(() => first.stop())
  const join = [`127.0.0.1:${first.ports.serf_lan}`]
  const others = ['n2', 'n3'].map(async (node) => {
    const config = {
      server: false,
      bootstrap: undefined,
      bootstrap_expect: undefined,
      retry_join: join,
      retry_interval: '1s',
    }
    const agent = await startConsul({ mode: 'server', node, config, ports: { serf_wan: -1 } })
    onTestFinished(() => agent.stop())
    return agent
  })
  return [first, ...(await Promise.all(others))]
}

function logs(agents: readonly Agent[]): string {
  return agents.map(({ name, locker }) => `${name}: ${locker.stderr.slice(-1500)}`).join('\n')
}

async function role({ api }: Agent): Promise<string> {
  const response = await fetch(`http://${api}/role`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
  return (await response?.text())?.trim() ?? ''
}

async function masterOf(agents: readonly Agent[]): Promise<Agent> {
  let last: string[] = []
  const look = async () => {
    last = await Promise.all(agents.map(role))
    return last.filter((role) => role === '"master"').length === 1
  }
  await patiently(look, () => `not one master: ${last}; ${logs(agents)}`)
  return agents[last.indexOf('"master"')] as Agent
}

/** Until a statement gives these rows everywhere. */
async function sameEverywhere(agents: readonly Agent[], statement: string, rows: string[]): Promise<void> {
  for (const { node } of agents) {
    let last = ''
    const look = async () => {
      last = await node.sql(statement).then((rows) => rows.join(), String)
      return last === rows.join()
    }
    await patiently(look, () => `${statement}: ${last}, not ${rows}; ${logs(agents)}`)
  }
}

test(
  'mysql › hands over without a loss, fails over when the master dies, and takes the old one back',
  TIMEOUT,
  async () => {
    const agents = await threeNodes(uniqueName('db'), await threeConsuls())
    const first = await masterOf(agents)
    await first.node.sql('CREATE DATABASE shop; CREATE TABLE shop.t (i INT PRIMARY KEY); INSERT INTO shop.t VALUES (1)')
    await sameEverywhere(agents, 'SELECT i FROM shop.t', ['1'])
    await first.node.sql('INSERT INTO shop.t VALUES (2)', 'app')

    // A transaction that is open when the master hands over is ended, and has written nothing.
    const open = first.node.sql('INSERT INTO shop.t SELECT 3 FROM (SELECT SLEEP(100)) nap', 'app')
    open.catch(() => {})
    first.locker.kill('SIGTERM')
    await expect(open).rejects.toThrow()
    expect(await first.locker.ends()).toMatchObject({ code: 0 })
    const others = agents.filter((agent) => agent !== first)
    const second = await masterOf(others)
    await expect(first.node.sql('INSERT INTO shop.t VALUES (4)', 'app')).rejects.toThrow('read-only')
    await second.node.sql('INSERT INTO shop.t VALUES (5)', 'app')
    await sameEverywhere(others, 'SELECT i FROM shop.t', ['1', '2', '5'])

    await second.node.down()
    const third = await masterOf(others.filter((agent) => agent !== second))
    await third.node.sql('INSERT INTO shop.t VALUES (6)', 'app')
    second.node.up()
    await second.node.answers()
    await sameEverywhere([second, third], 'SELECT i FROM shop.t', ['1', '2', '5', '6'])
    expect(await second.node.sql('SELECT @@read_only')).toEqual(['1'])
  },
)
