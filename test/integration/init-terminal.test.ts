import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { Terminal } from '../kit/terminal.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const consul = () => new ConsulClient()
const put = (path: string, value: unknown) => consul().request('PUT', path, JSON.stringify(value))

/** An init script of one service, which takes a while to start. */
async function slowScript(service: string, roles: Record<string, readonly string[]>, local = 'slow'): Promise<string> {
  const dir = scratch()
  const command = join(dir, 'command.sh')
  const script = join(dir, 'slow')
  writeFileSync(
    command,
    `case $1 in status) [ -f ${dir}/runs ] || exit 3 ;; start) sleep 2.5; touch ${dir}/runs ;; esac\n`,
  )
  writeFileSync(
    script,
    `name: slow\nconsul_service: ${service}\ncluster_key: cluster/test\nlocal_services: [${local}]
service_command: sh ${command} {action}\n`,
  )
  await put(`/kv/cluster/test/${service}`, roles)
  return script
}

test('on a terminal a step counts its seconds while it is under way, and its line ends as elsewhere', async () => {
  const script = await slowScript(uniqueName('slow'), { active_nodes: ['dev'], standby_nodes: [] })
  const terminal = await Terminal.open()
  await terminal.enter(`$L init ${script} start`)
  await terminal.shows(/service\.slow: starting… 1s/)
  await terminal.shows(/service\.slow: starting\.\.\.SUCCESS/)
  expect(await terminal.screen()).not.toContain('…')
})

test('on a terminal a line that is too wide for it is written once', async () => {
  const local = 'slow-'.repeat(15)
  const script = await slowScript(uniqueName('wide'), { active_nodes: ['dev'], standby_nodes: [] }, local)
  const terminal = await Terminal.open()
  await terminal.run(`clear; $L init ${script} start`)
  expect((await terminal.screen()).split('\n').filter((line) => line.includes('slow-'))).toEqual([
    `service.${local}: starting...SUCCESS`,
  ])
})

test('on a terminal a switch shows the seconds of its step, and the document’s lines in the end', async () => {
  const service = uniqueName('switch')
  const script = await slowScript(service, { active_nodes: ['node1'], standby_nodes: ['dev'] })
  await put('/catalog/register', {
    Node: 'node1',
    Address: '127.0.0.1',
    Check: { CheckID: 'serfHealth', Name: 'Serf Health Status', Status: 'passing' },
  })
  const terminal = await Terminal.open()
  await terminal.enter(`clear; $L init ${script} start-primary`)
  await terminal.shows(/Demoting primary node node1… \d+s/)
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
