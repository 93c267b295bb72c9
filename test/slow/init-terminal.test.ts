import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { Terminal } from '../kit/terminal.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

// An agent of its own: each minute a server takes away nodes that nobody knows in its cluster, as node1 is.
let agent: ConsulAgent

beforeAll(async () => {
  agent = await startConsul({ mode: 'dev' })
})

afterAll(() => agent?.stop())

const consul = () => new ConsulClient(agent.address)
const put = (path: string, value: unknown) => consul().request('PUT', path, JSON.stringify(value))

/** An init script of one service, which starts when it is let go, and `letGo`, which does that. */
async function slowScript(service: string, roles: Record<string, readonly string[]>, local = 'slow') {
  const dir = scratch()
  const command = join(dir, 'command.sh')
  const script = join(dir, 'slow')
  writeFileSync(
    command,
    `case $1 in status) [ -f ${dir}/runs ] || exit 3 ;; start) until [ -e ${dir}/go ]; do sleep 0.05; done; touch ${dir}/runs ;; esac\n`,
  )
  writeFileSync(
    script,
    `name: slow\nconsul_service: ${service}\ncluster_key: cluster/test\nlocal_services: [${local}]
service_command: sh ${command} {action}\n`,
  )
  await put(`/kv/cluster/test/${service}`, roles)
  return { script, letGo: () => writeFileSync(join(dir, 'go'), '') }
}

test('on a terminal a step counts its seconds while it is under way, and its line ends as elsewhere', async () => {
  const { script, letGo } = await slowScript(uniqueName('slow'), { active_nodes: ['dev'], standby_nodes: [] })
  const terminal = await Terminal.open({ address: agent.address })
  await terminal.enter(`$L init ${script} start`)
  await terminal.shows(/service\.slow: starting… [1-9]\d*s/)
  letGo()
  await terminal.shows(/service\.slow: starting\.\.\.SUCCESS/)
  expect(await terminal.screen()).not.toContain('…')
})

test('on a terminal a line that is too wide for it is written once', async () => {
  const local = 'slow-'.repeat(15)
  const roles = { active_nodes: ['dev'], standby_nodes: [] }
  const wide = await slowScript(uniqueName('wide'), roles, local)
  const narrow = await slowScript(uniqueName('narrow'), roles)
  const terminal = await Terminal.open({ address: agent.address })
  await terminal.enter(`clear; $L init ${wide.script} start`)
  await terminal.shows(/service\.slow-.*/)
  // By the seconds of another one it is known that this one's would have been shown.
  const other = await Terminal.open({ address: agent.address })
  await other.enter(`$L init ${narrow.script} start`)
  await other.shows(/service\.slow: starting… [1-9]\d*s/)
  for (const { letGo } of [wide, narrow]) letGo()
  for (const one of [terminal, other]) await one.prompts(0)
  expect((await terminal.screen()).split('\n').filter((line) => line.includes('slow-'))).toEqual([
    `service.${local}: starting...SUCCESS`,
  ])
})

test('on a terminal a switch shows the seconds of its step, and the document’s lines in the end', async () => {
  const service = uniqueName('switch')
  const { script, letGo } = await slowScript(service, { active_nodes: ['node1'], standby_nodes: ['dev'] })
  await put('/catalog/register', {
    Node: 'node1',
    Address: '127.0.0.1',
    Check: { CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'passing' },
  })
  const terminal = await Terminal.open({ address: agent.address })
  await terminal.enter(`clear; $L init ${script} start-primary`)
  await terminal.shows(/Demoting primary node node1… \d+s/)
  letGo()
  await consul().request('PUT', `/kv/service/${service}/node1/demote`, 'WAIT')
  await terminal.prompts(0)
  expect((await terminal.screen()).split('\n').map((line) => line.trimEnd())).toEqual([
    'Starting promotion for node dev...SUCCESS',
    'Starting demotion for node node1...SUCCESS',
    'Demoting primary node node1...SUCCESS',
    'Promoting secondary node dev...SUCCESS',
    'Switching cluster primary/secondary node roles...SUCCESS',
    'Clearing demotion trigger for node node1...SUCCESS',
    'Clearing promotion trigger for node dev...SUCCESS',
    '[0]>',
  ])
  await put('/catalog/deregister', { Node: 'node1' })
})
