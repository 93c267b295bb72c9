import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isMaintained } from '../kit/catalog.ts'
import { LOCKER, patiently, runLocker } from '../kit/locker.ts'
import { SERVICE_NAME } from '../kit/service-node.ts'
import { config, did, dir, done, failing, node1, putAtNode1, trigger } from '../kit/triggered-nodes.ts'

const BOTH = ['apache2', 'mysql']

async function maintenance(enable: boolean): Promise<void> {
  await node1.consul.request('PUT', `/agent/maintenance?enable=${enable}`)
  await isMaintained(node1.consul.read, node1.name, enable)
}

describe('as python-powerconsul’s watch and trigger do, trigger', () => {
  const WRITE = 'cp @WORD @OUT'

  test('skips a check that has not run yet, and says so to DEBUG', async () => {
    await putAtNode1(`triggers/${SERVICE_NAME}/primary/critical`, WRITE)
    const words = ['trigger', 'critical', '-c', config, '-s', JSON.stringify(failing(node1, { Output: '' }))]
    const ended = await runLocker(words, { address: node1.agent.address, env: { DEBUG: 'yes' } })
    expect(ended).toMatchObject({ code: 0, stdout: '' })
    expect(ended.stderr).toContain(`${SERVICE_NAME} has no trigger run by a check that has no output yet`)
    expect(did()).toBe('')
  })

  test('takes one check as an argument, and finds nothing to do where nothing stands', async () => {
    const [check] = failing(node1)
    const words = ['trigger', 'critical', '-c', config, '-s', JSON.stringify(check)]
    expect(await runLocker(words, { address: node1.agent.address })).toMatchObject({ code: 0, stderr: '' })
    await putAtNode1(`triggers/${SERVICE_NAME}/primary/critical`, WRITE)
    expect((await runLocker(words, { address: node1.agent.address })).code).toBe(0)
    expect(did()).toBe('hello')
  })

  test('is called by Consul’s own watch, and starts what has died', async () => {
    const consul = { http_addr: node1.agent.address }
    writeFileSync(join(dir, 'watched'), JSON.stringify({ clusterKey: 'cluster/production', consul }))
    await putAtNode1(`triggers/${SERVICE_NAME}/primary/critical`, `${LOCKER} init ${node1.script} start`)
    node1.killServices()
    await patiently(
      () => node1.running.length === BOTH.length,
      () => 'the services were not started again',
    )
  })
})

describe('other than python-powerconsul, trigger', () => {
  test('needs a home folder or --config: who is in no password file may have none', async () => {
    const through = ['setpriv', '--reuid', '5555', '--regid', '5555', '--clear-groups']
    for (const HOME of [undefined, '']) {
      const ended = await runLocker(['trigger', 'critical', '-s', '[]'], { env: { HOME }, through, cwd: '/' })
      const sentence = 'there is no home folder to read .powerconsul.conf from (give the file: --config FILE)'
      expect(ended).toMatchObject({ code: 2, stdout: '', stderr: `consul-locker: error: ${sentence}\n` })
    }
  })

  test('needs its file, and shows the least one', async () => {
    const ended = await runLocker(['trigger', 'critical', '-c', join(dir, 'none'), '-s', '[]'])
    expect(ended).toMatchObject({ code: 5, stdout: '' })
    expect(ended.stderr).toContain(
      `/none can't be read: no such file or directory (the least that it says is {"clusterKey": "cluster/production"})\n`,
    )
  })

  test('ends with 1 when an action fails or hangs, and says why', async () => {
    await putAtNode1(`triggers/${SERVICE_NAME}/primary/critical`, "sh -c 'echo no disk; exit 3'")
    const failed = await trigger(node1, 'critical', failing(node1))
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`the trigger of ${SERVICE_NAME} ended with 3: no disk`),
    })
    await putAtNode1(`triggers/${SERVICE_NAME}/primary/critical`, 'sleep 600')
    const words = ['trigger', 'critical', '-c', config, '-s', JSON.stringify(failing(node1)), '--timeout', '0.5s']
    const late = await runLocker(words, { address: node1.agent.address })
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('did not end within 500ms') })
  })

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a switch moves the service',
      () => putAtNode1(`service/${SERVICE_NAME}/node1/demote`, 'WAIT'),
      /a switch or a fence of it is under/,
    ],
    ['its node is in maintenance', () => maintenance(true), /node1 is in maintenance/],
  ])('runs nothing while %s', async (_, incident, notice) => {
    await putAtNode1(`triggers/${SERVICE_NAME}/primary/critical`, `touch ${done}`)
    await incident()
    const ended = await trigger(node1, 'critical', failing(node1))
    await maintenance(false)
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(notice) })
    expect(existsSync(done)).toBe(false)
  })

  test.each([
    ['oops', 'the standard input is not JSON'],
    ['[{"Node": 1}]', 'the standard input is no list of checks'],
  ])('refuses %s', async (stdin, sentence) => {
    const ended = await runLocker(['trigger', 'critical', '-c', config], {
      address: node1.agent.address,
      input: Buffer.from(stdin),
    })
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(sentence) })
    const given = await runLocker(['trigger', 'critical', '-c', config, '-s', stdin], { address: node1.agent.address })
    const elsewhere = sentence.replace('the standard input', '--service')
    expect(given).toMatchObject({ code: 2, stderr: expect.stringContaining(elsewhere) })
    expect(given.stderr).not.toContain('standard input')
  })
})
