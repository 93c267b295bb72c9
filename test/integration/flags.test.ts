import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startConsul } from '../../scripts/provide/agent.ts'
import { freePorts } from '../../scripts/provide/ports.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { flagKey, recorder } from '../kit/flags.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { client, put } from '../kit/shared-consul.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** The index of the flag that a watch has dealt with last. */
async function remembered(service: string): Promise<number | undefined> {
  const reply = await client.request('GET', `/kv/service/${service}/dev/watched/?keys`)
  const [key] = reply.ok ? ((await reply.json()) as string[]) : []
  return key === undefined ? undefined : JSON.parse(await client.value(key)).index
}

describe('a flag', () => {
  test('is NULL while nobody has set it, and is shown, got and told as JSON', async () => {
    const service = uniqueName('flag')
    expect(await runLocker(['demote', service])).toMatchObject({
      code: 0,
      stdout: `service/${service}/dev/demote: NULL\n`,
    })
    expect(await runLocker(['demote', service, '--set', 'START'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await client.value(flagKey(service, 'demote'))).toBe('START')
    expect(await runLocker(['demote', service, '--get'])).toMatchObject({ code: 0, stdout: 'START\n' })
    const json = await runLocker(['demote', '--json', service, '--node', 'node7'])
    expect(JSON.parse(json.stdout)).toEqual({ service, node: 'node7', flag: 'demote', value: 'NULL', exists: false })
  })

  test('that holds another word is told of, and mended by --set', async () => {
    const service = uniqueName('flag')
    await put(flagKey(service), 'start')
    const ended = await runLocker(['promote', service])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(
      /"start" at service\/.*\/dev\/promote is no flag \(it must be NULL, START, WAIT: --set NULL mends it\)\n$/,
    )
    expect(await runLocker(['promote', service, '--set', 'NULL'])).toMatchObject({ code: 0 })
  })

  test('can be waited for', async () => {
    const service = uniqueName('flag')
    const waiting = startLocker(['promote', service, '--wait', 'WAIT'])
    await put(flagKey(service), 'START')
    await put(flagKey(service), 'WAIT')
    expect(await waiting.ends()).toMatchObject({ code: 0, stdout: '' })
    const late = await runLocker(['promote', service, '--wait', 'NULL', '--timeout', '0.3s'])
    expect(late).toMatchObject({ code: 1 })
    expect(late.stderr).toContain('has not become NULL within 300ms')
    const once = ['WAIT', 'NULL'].map((value) =>
      runLocker(['promote', service, '--node', 'dev', '--wait', value, '--timeout', '0']),
    )
    expect(await Promise.all(once)).toMatchObject([{ code: 0 }, { code: 1 }])
  })

  test.each([
    [['promote'], 'no service was named'],
    [['promote', 'web', '--set', 'start'], '--set "start" is no value of a flag (NULL, START, WAIT)'],
    [['promote', 'web', '--set', 'NULL', '--get'], '--get and --set are two commands'],
    [['promote', 'web', '--watch'], 'no command was given to run when the flag changes'],
    [['promote', 'web', 'node1'], '"node1" is one word too many'],
    [['promote', 'web', '--wait', 'NULL', '--timeout', 'soon'], '--timeout "soon" is not a duration'],
  ])('is asked for wrongly: %j', async (args, sentence) => {
    const ended = await runLocker(args)
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toContain(`consul-locker: error: ${sentence}`)
  })
})

describe('a watch of ours', () => {
  test('runs its command on changes only, never for the NULL that stands at its start', async () => {
    const service = uniqueName('watch')
    const { command, lines, written } = recorder()
    const watch = startLocker(['promote', service, '--watch', '--', ...command])
    await patiently(
      () => watch.child.pid !== undefined,
      () => 'not started',
    )
    await put(flagKey(service), 'NULL')
    await put(flagKey(service), 'START')
    await written(1)
    await put(flagKey(service), 'WAIT')
    await written(2)
    await put(flagKey(service), 'NULL')
    await written(3)
    expect(lines()).toEqual(['promote NULL START', 'promote START WAIT', 'promote WAIT NULL'])
    watch.kill('SIGTERM')
    expect((await watch.ends()).code).toBe(143)
  })

  test('runs for a START that stands at its start: its node may not have heard of it', async () => {
    const service = uniqueName('watch')
    await put(flagKey(service), 'START')
    const { command, lines, written } = recorder()
    startLocker(['promote', service, '--watch', '--', ...command])
    await written(1)
    expect(lines()).toEqual(['promote NULL START'])
  })

  test('that was killed runs for what has changed meanwhile, and for nothing else', async () => {
    const service = uniqueName('watch')
    const { command, lines, written } = recorder()
    const watch = () => startLocker(['promote', service, '--watch', '--', ...command])
    const remembers = () =>
      patiently(
        async () => (await remembered(service)) === (await client.entry(flagKey(service)))?.ModifyIndex,
        () => 'the flag as it stands is not remembered',
      )
    const first = watch()
    await put(flagKey(service), 'WAIT')
    await written(1)
    await remembers()
    first.kill('SIGKILL')
    await first.ends()
    await put(flagKey(service), 'NULL')
    const second = watch()
    await written(2)
    await remembers()
    second.kill('SIGKILL')
    await second.ends()
    await client.deleteKey(flagKey(service))
    await put(flagKey(service), 'NULL')
    watch()
    await remembers()
    await put(flagKey(service), 'START')
    await written(3)
    expect(lines()).toEqual(['promote NULL WAIT', 'promote WAIT NULL', 'promote NULL START'])
  })

  test('tries its command again that fails until it succeeds', async () => {
    const service = uniqueName('watch')
    const { command, lines, written } = recorder()
    const mended = join(scratch(), 'mended')
    const failing = [...command.slice(0, 2), `${command[2]}; [ -e ${mended} ]`]
    const watch = startLocker(['demote', service, '--watch', '--', ...failing])
    await put(flagKey(service, 'demote'), 'START')
    await written(1)
    writeFileSync(mended, '')
    await written(2)
    await patiently(
      async () => (await remembered(service)) === (await client.entry(flagKey(service, 'demote')))?.ModifyIndex,
      () => 'the flag is not remembered as dealt with',
    )
    watch.kill('SIGTERM')
    await watch.ends()
    expect(lines()).toEqual(['demote NULL START', 'demote NULL START'])
  })
})

test('a printed watch is what Consul’s own configuration wants', async () => {
  const service = uniqueName('watch')
  const { command, written } = recorder()
  const printed = await runLocker(['demote', service, '--print-watch', '--node', 'node1', '--', ...command])
  expect(printed.stdout).toMatch(
    /^\{\n {2}"watches": \[\{\n {4}"args": \[.*\],\n {4}"key": ".*",\n {4}"type": "key"\n {2}\}\]\n\}\n$/,
  )
  const config = JSON.parse(printed.stdout)
  expect(config.watches[0].key).toBe(flagKey(service, 'demote', 'node1'))
  const agent = await startConsul({ node: 'node1', ports: await freePorts(), config })
  onTestFinished(() => agent.stop())
  await new ConsulClient(agent.address).request('PUT', `/kv/${flagKey(service, 'demote', 'node1')}`, 'START')
  await written(1)
})

test('a printed watch calls the service’s init script unless it is told otherwise', async () => {
  const printed = await runLocker(['promote', 'web', '--print-watch', '--node', 'node1'])
  expect(JSON.parse(printed.stdout)).toEqual({
    watches: [{ args: ['/usr/bin/env', 'service', 'web', 'promote'], key: 'service/web/node1/promote', type: 'key' }],
  })
})
