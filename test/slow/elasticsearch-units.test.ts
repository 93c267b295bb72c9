import { spawn } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { LOCKER, lockerEnvironment, Running, runLocker } from '../kit/locker.ts'
import { scratch } from '../kit/unique.ts'

const folder = join(import.meta.dirname, '../../examples/elasticsearch-units')

let agent: ConsulAgent

beforeAll(async () => {
  agent = await startConsul()
})

afterAll(() => agent?.stop())

/** A unit's text, with programs that this machine has. */
function unitText(name: string): string {
  return readFileSync(join(folder, name), 'utf8')
    .replaceAll('/usr/local/bin/consul-locker', LOCKER)
    .replaceAll('/usr/local/libexec/elasticsearch-start', join(folder, 'elasticsearch-start'))
    .replaceAll('/usr/bin/docker', '/bin/true')
}

test('the start script passes shellcheck', async () => {
  const { path, env } = await program('shellcheck', 'shellcheck')
  const checked = new Running(spawn(path, [join(folder, 'elasticsearch-start')], { env }))
  expect(await checked.ends()).toMatchObject({ code: 0, stdout: '', stderr: '' })
})

/** The command of a unit for one instance, as words for a shell. */
function commandOf(unit: string, instance: string): string {
  const [, command = ''] = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unitText(unit)) ?? []
  return command.replaceAll('\\\n', ' ').replaceAll('%i', instance)
}

// Elasticsearch as far as its neighbours see it: it takes a while, and answers. It writes down how it was started.
const DOCKER = `#!${process.execPath}
const { appendFileSync } = require('node:fs')
const of = (pattern) => process.argv.find((word) => pattern.test(word))
appendFileSync(process.env.DIARY, of(/node.name/) + ' ' + of(/seed_hosts|initial_master/) + '\\n')
setTimeout(() => require('node:http').createServer((_, response) => response.end('{}'))
  .listen(process.env.HTTP_PORT, '127.0.0.1'), 500)
`

test('instances that start at once start one after the other, and each joins all those before it', async () => {
  const bin = scratch()
  const diary = join(bin, 'diary')
  writeFileSync(join(bin, 'docker'), DOCKER, { mode: 0o755 })
  symlinkSync(LOCKER, join(bin, 'consul-locker'))
  const instances = ['1', '2', '3', '4']
  const start = async (instance: string) => {
    const { http } = await freePorts()
    const own = { PATH: `${bin}:${process.env.PATH}`, DIARY: diary, HTTP_PORT: String(http) }
    const env = lockerEnvironment({ address: agent.address, env: own })
    const run = (command: string) => new Running(spawn('/bin/sh', ['-c', `exec ${command}`], { env }))
    const lease = await run(commandOf('elasticsearch-lease@.service', instance)).ends()
    expect(lease).toMatchObject({ code: 0 })
    run(commandOf('elasticsearch@.service', instance))
    // The machines of the test share an address; those of the units don't.
    const command = commandOf('elasticsearch-monitor@.service', instance).replace(':9200/', `:${http}/`)
    await run(`${command} --address 10.0.0.${instance} --interval 0.3s --timeout 5s`).says(/is up/)
  }
  await Promise.all(instances.map(start))
  const lines = readFileSync(diary, 'utf8').trim().split('\n')
  const order = lines.map((line) => /^node.name=elasticsearch-(\d) /.exec(line)?.[1] ?? line)
  const seeds = order.map((_, n) =>
    order
      .slice(0, n)
      .sort()
      .map((one) => `10.0.0.${one}:9300`),
  )
  expect(lines).toEqual(
    order.map((instance, n) => {
      const first = `cluster.initial_master_nodes=elasticsearch-${instance}`
      return `node.name=elasticsearch-${instance} ${n === 0 ? first : `discovery.seed_hosts=${seeds[n]}`}`
    }),
  )
  expect([...order].sort()).toEqual(instances)
  const all = await runLocker(['hosts', '--label', 'elasticsearch'], { address: agent.address })
  expect(all.stdout).toBe('10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4\n')
  expect((await runLocker(['lease', 'show', '--label', 'elasticsearch'], { address: agent.address })).code).toBe(1)
})
