import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ran } from '../kit/gate-waits.ts'
import { gatedRun, lingering, nothingRunsWith, startGated } from '../kit/gated-runs.ts'
import { patiently, runLocker, startLocker } from '../kit/locker.ts'
import { client } from '../kit/shared-consul.ts'
import { scratch } from '../kit/unique.ts'

describe('a gate before a run', () => {
  test('is waited for without a session and without a place in line', async () => {
    const { name, gate, open, remains } = gatedRun()
    const gated = startGated(['--gate', gate, '--gate', 'file:/', name])
    await gated.says(/waiting for kv:.* \(there is no such key\)/)
    expect(await remains()).toEqual([])
    expect(await runLocker(['--no-wait', name, 'true'])).toMatchObject({ code: 0 })
    await open()
    expect(await gated.ends()).toMatchObject(ran)
    expect(await remains()).toEqual([])
  })

  test('must be open still when the lock is won: if it has shut, the next in line gets the lock', async () => {
    const { name, gate, open, shut, remains } = gatedRun()
    await open()
    const holder = startLocker([name, 'sleep', '60'])
    const first = await client.holder(`consul-locker-${name}`)
    const gated = startGated(['--gate', gate, name])
    await gated.says(/waiting for gated-.*: held by/)
    const second = await client.contender(name, `consul-locker-${name}`, [first])
    expect(second).not.toBe(first)
    const next = startGated([name])
    await next.says(/in line/)
    await shut()
    holder.kill('SIGTERM')
    await holder.ends()
    expect(await next.ends()).toMatchObject(ran)
    await gated.says(/a gate before gated-.* has shut while it waited for the lock/)
    await gated.says(/waiting for kv:/)
    expect(gated.stdout).toBe('')
    await open()
    expect(await gated.ends()).toMatchObject(ran)
    expect(await remains()).toEqual([])
  })

  test('that is shut is a lock that is not free for --no-wait and -E, and the report tells them apart', async () => {
    const { name, gate, remains } = gatedRun()
    const report = join(scratch(), 'report')
    const words = ['--no-wait', '-E', '9', '--report-file', report, '--gate', gate, name]
    const { code, stdout, stderr } = await startGated(words).ends()
    expect({ code, stdout }).toEqual({ code: 9, stdout: '' })
    expect(stderr).toContain(`${name} is not ready: ${gate} (there is no such key)`)
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({
      outcome: 'unready',
      missing: [`${gate} (there is no such key)`],
    })
    expect(await remains()).toEqual([])
  })

  test('may stand in the environment, one on each line, and gives way to the command line', async () => {
    const { name, gate } = gatedRun()
    const env = { CONSUL_LOCKER_GATE: `cmd:test -n "$HOME, $PATH"\n${gate}` }
    const shut = await startGated(['--no-wait', name], env).ends()
    expect(shut).toMatchObject({ code: 1, stderr: expect.stringContaining(`not ready: ${gate} (`) })
    expect(await startGated(['--no-wait', '--gate', 'file:/', name], env).ends()).toMatchObject(ran)
  })
})

describe('--release-when', () => {
  test('keeps the lock after a success until the gate opens: only then the next one starts', async () => {
    const { name, gate, open, remains } = gatedRun()
    const first = await lingering(['--release-when', gate], name)
    const next = startGated([name])
    await next.says(/waiting for gated-.*: held by/)
    await open()
    expect(await first.ends()).toMatchObject(ran)
    expect(await next.ends()).toMatchObject(ran)
    expect(await remains()).toEqual([])
    await nothingRunsWith(name)
  })

  test('that never comes is exit code 7, told in a sentence and a report, and the lock is free', async () => {
    const { name, gate, remains } = gatedRun()
    const report = join(scratch(), 'report')
    const words = ['--release-when', gate, '--release-timeout', '1s', '--report-file', report, name]
    const { code, stdout, stderr } = await startGated(words).ends()
    expect({ code, stdout }).toEqual({ code: 7, stdout: 'ran\n' })
    expect(stderr).toContain(`the lock was given up before this held: ${gate} (there is no such key)`)
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ outcome: 'unsettled', childExit: 0 })
    expect(await remains()).toEqual([])
  })

  test.for([
    [['false'], 1],
    [['sh', '-c', 'kill -TERM $$'], 143],
  ] as const)('waits for nothing when %j fails', async ([command, code]) => {
    const { name, gate, remains } = gatedRun()
    const end = await runLocker(['--release-when', gate, '--settle', '1h', name, ...command])
    expect(end).toMatchObject({ code, stderr: '' })
    expect(await remains()).toEqual([])
  })

  test('watches over the lock meanwhile: when that is lost the exit code is 6, though the command had ended', async () => {
    const { name, gate } = gatedRun()
    const run = await lingering(['--release-when', gate], name)
    await client.destroySession(await client.holder(`consul-locker-${name}`))
    const { code, stderr } = await run.ends()
    expect(code).toBe(6)
    expect(stderr).toMatch(/the command had ended when the lock gated-.* was lost/)
  })

  test('is ended by TERM: 143, and the lock is free', async () => {
    const { name, gate, remains } = gatedRun()
    const run = await lingering(['--release-when', gate], name)
    run.kill('SIGTERM')
    expect(await run.ends()).toMatchObject({ code: 143, stdout: 'ran\n' })
    expect(await remains()).toEqual([])
    await nothingRunsWith(name)
  })

  test('is over when the runner is killed: the guardian gives the lock back', async () => {
    const { name, gate, remains } = gatedRun()
    const run = await lingering(['--release-when', gate], name)
    run.kill('SIGKILL')
    await patiently(
      async () => (await remains()).length === 0,
      () => 'the lock was not given back',
    )
    await nothingRunsWith(name)
  })
})

test.for([
  [['--gate', 'nonsense'], '"nonsense" is no gate'],
  [['--release-when', 'service:'], 'names no service'],
  [['--settle', 'soon'], '--settle "soon" is not a duration'],
  [['--release-timeout', '5s'], '--release-timeout bounds the wait for --release-when, and there is none'],
] as const)('%j is refused before anything is asked of Consul', async ([words, sentence]) => {
  const end = await startGated([...words, 'name'], { CONSUL_HTTP_ADDR: '127.0.0.1:9' }).ends()
  expect(end).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(sentence) })
})
