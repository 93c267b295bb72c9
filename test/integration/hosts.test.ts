import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { program } from '../../scripts/provide/debian.ts'
import { execute } from '../../scripts/provide/execute.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { startTarget } from '../kit/target.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

let agent: ConsulAgent

beforeAll(async () => {
  agent = await startConsul()
})

afterAll(() => agent?.stop())

/** Puts an instance into the catalog, on a node of its own. */
async function instance(label: string, address: string, status = 'passing', port = 9200): Promise<void> {
  const node = `${label}-${address}`
  const service = { ID: `${label}-${port}`, Service: label, Port: port }
  const check = { Node: node, CheckID: 'c', Name: 'c', Status: status, ServiceID: service.ID }
  const body = JSON.stringify({ Node: node, Address: address, Service: service, Check: check })
  expect((await new ConsulClient(agent.address).request('PUT', '/catalog/register', body)).status).toBe(200)
}

const hosts = (...args: string[]) => runLocker(['hosts', ...args], { address: agent.address })

describe('hosts, as the original tests them', () => {
  test('6: of a label that has none are nothing, and a failure', async () => {
    const ended = await hosts('--label', 'nobody')
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toBe('consul-locker: healthy hosts of nobody: 0; wanted: 1\n')
  })

  test('7: of a label that has one are that', async () => {
    const label = uniqueName('web')
    await instance(label, '10.0.0.1')
    expect(await hosts('--label', label)).toMatchObject({ code: 0, stdout: '10.0.0.1\n', stderr: '' })
  })

  test('8: of a label that has many are sorted, as numbers are', async () => {
    const label = uniqueName('web')
    for (const address of ['10.0.0.10', '10.0.0.9', '9.0.0.1', '10.0.0.100']) await instance(label, address)
    expect(await hosts('--label', label)).toMatchObject({ code: 0, stdout: '9.0.0.1,10.0.0.9,10.0.0.10,10.0.0.100\n' })
  })

  test('9: are only those of the label', async () => {
    const label = uniqueName('web')
    await instance(label, '10.0.0.1')
    await instance(`${label}-2`, '10.0.0.2')
    expect(await hosts('--label', label.toUpperCase())).toMatchObject({ code: 0, stdout: '10.0.0.1\n' })
  })
})

describe('hosts', () => {
  test('that are not healthy do not count', async () => {
    const label = uniqueName('web')
    await instance(label, '10.0.0.1')
    await instance(label, '10.0.0.2', 'critical')
    await instance(label, '10.0.0.3', 'warning')
    expect((await hosts('--label', label)).stdout).toBe('10.0.0.1\n')
  })

  test('have the port behind every one of them', async () => {
    const label = uniqueName('es')
    for (const address of ['10.0.0.1', '10.0.0.2', 'fd00::1']) await instance(label, address)
    expect((await hosts('--label', label, '--port', '9300')).stdout).toBe(
      '10.0.0.1:9300,10.0.0.2:9300,[fd00::1]:9300\n',
    )
  })

  test('come in the form that is asked for', async () => {
    const label = uniqueName('es')
    await instance(label, '10.0.0.1')
    await instance(label, '10.0.0.1', 'passing', 9201)
    await instance(label, '10.0.0.2')
    expect((await hosts('--label', label)).stdout).toBe('10.0.0.1,10.0.0.2\n')
    const lines = await hosts('--label', label, '--format', 'http://{address}:{port}/', '--separator', '\n')
    expect(lines.stdout).toBe('http://10.0.0.1:9200/\nhttp://10.0.0.1:9201/\nhttp://10.0.0.2:9200/\n')
    expect((await hosts('--label', label, '--format', '{node} {id}')).stdout).toContain(
      `${label}-10.0.0.2 ${label}-9200`,
    )
    const json = JSON.parse((await hosts('--label', label, '--json')).stdout)
    expect(json).toHaveLength(3)
    expect(json[0]).toEqual({
      address: '10.0.0.1',
      port: 9200,
      node: `${label}-10.0.0.1`,
      id: `${label}-9200`,
      tags: [],
      meta: {},
    })
  })

  test('of this node can be left out', async () => {
    const label = uniqueName('web')
    const target = await startTarget()
    const words = ['monitor', '--label', label, '--interval', '0.3s', '--timeout', '5s', '--monitor-url', target.url]
    await startLocker(words, { address: agent.address }).says(/is up/)
    await instance(label, '10.0.0.1')
    const wait = ['--wait', '30s', '--min', '2']
    expect((await hosts('--label', label, ...wait)).stdout).toBe('10.0.0.1,127.0.0.1\n')
    expect((await hosts('--label', label, '--exclude-self')).stdout).toBe('10.0.0.1\n')
  })

  test('can be waited for until there are enough', async () => {
    const label = uniqueName('web')
    await instance(label, '10.0.0.1')
    const words = ['hosts', '--label', label, '--wait', '60s', '--min', '3']
    const waiting = startLocker(words, { address: agent.address, env: { DEBUG: 'true' } })
    const polls = (count: number) =>
      patiently(
        () => (waiting.stderr.match(/debug: GET .*index=/g) ?? []).length >= count,
        () => `it has not asked ${count} times`,
      )
    await polls(1)
    await instance(label, '10.0.0.2')
    await polls(2)
    expect(waiting.hasEnded).toBe(false)
    await instance(label, '10.0.0.3')
    expect(await waiting.ends()).toMatchObject({ code: 0, stdout: '10.0.0.1,10.0.0.2,10.0.0.3\n' })
  })

  test('that are too few when the time is over are a failure, and nothing is printed', async () => {
    const label = uniqueName('web')
    await instance(label, '10.0.0.1')
    const ended = await hosts('--label', label, '--wait', '0.3s', '--min', '2')
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain(`healthy hosts of ${label} within 300ms: 1; wanted: 2`)
  })

  test('that are too few leave the file as it is', async () => {
    const file = join(scratch(), 'hosts')
    writeFileSync(file, 'those of yesterday\n')
    expect(await hosts('--label', 'nobody', '--output', file)).toMatchObject({ code: 1, stdout: '' })
    expect(readFileSync(file, 'utf8')).toBe('those of yesterday\n')
  })

  test('with an underscore in their label are known to DNS', async () => {
    const label = uniqueName('elasticsearch_logging')
    await instance(label, '10.0.0.1')
    const dig = await program('dig', 'bind9-dnsutils')
    const args = ['@127.0.0.1', '-p', String(agent.ports.dns), '+short', '+tries=5', `${label}.service.consul`]
    expect(await execute(dig.path, args, { env: dig.env })).toBe('10.0.0.1\n')
  })

  test.each([
    [['--label', 'a/b'], '--label "a/b" can\'t be the name of a service'],
    [[], 'no service was named (give --label)'],
    [['--label', 'a', '--port', '0'], '--port "0" is no number from 1 to 65535'],
    [['--label', 'a', '--port', '1', '--format', 'x'], '--port and --format are two forms'],
    [['--label', 'a', '--format', '{ip}'], '--format has the placeholder {ip} (the placeholders are {address}, {port}'],
    [['--label', 'a', '--min', 'two'], '--min "two" is no number from 1'],
    [['--label', 'a', '--wait', 'soon'], '--wait "soon" is not a duration'],
    [['--label', 'a', '--json', '--format', '{address}'], '--json and --format are two wishes'],
    [['--label', 'a', '--all'], 'there is no option --all'],
    [['--label', 'a', '--', 'true'], 'a command is of use only to --watch (--watch -- command…)'],
    [['--label', 'a', '--watch'], 'nothing is to be done when the hosts change (--watch -- command…, --watch --output'],
    [['--label', 'a', '--watch', '--'], 'no command stands behind the --'],
    [['--label', 'a', '--watch', '--wait', '5m', '--', 'true'], '--watch and --wait are two wishes'],
    [['--label', 'a', '--output', '/no/folder/hosts'], "the file /no/folder/hosts can't be written: no such file"],
  ])('are asked for wrongly: %j', async (args, sentence) => {
    const ended = await hosts(...args)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(`consul-locker: error: ${sentence}`)
  })
})
