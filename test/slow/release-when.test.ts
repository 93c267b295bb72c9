import { describe, expect, test } from 'vitest'
import { ran } from '../kit/gate-waits.ts'
import { gatedRun, lingering, nothingRunsWith, startGated } from '../kit/gated-runs.ts'
import { runLocker, startLocker } from '../kit/locker.ts'
import { client } from '../kit/shared-consul.ts'

describe('a gate before a run', () => {
  test('is waited for within --wait, and the lock in what is left of that', async () => {
    const { name, gate, open } = gatedRun()
    expect(await startGated(['--wait', '1s', '--gate', gate, name]).ends()).toMatchObject({ code: 1, stdout: '' })
    await open()
    const holder = startLocker([name, 'sleep', '60'])
    await client.holder(`consul-locker-${name}`)
    const late = await startGated(['--wait', '1s', '--gate', gate, name]).ends()
    expect(late).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('was still busy after') })
    holder.kill('SIGTERM')
  })

  test.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends the wait for it with %i, and nothing is left', async ([signal, code]) => {
    const { name, gate, remains } = gatedRun()
    const gated = startGated(['--gate', gate, name])
    await gated.says(/waiting for kv:/)
    gated.kill(signal)
    expect(await gated.ends()).toMatchObject({ code, stdout: '' })
    expect(await remains()).toEqual([])
    await nothingRunsWith(name)
  })
})

describe('--release-when', () => {
  test('with --settle keeps the lock for a while longer', async () => {
    const { name, gate, open, remains } = gatedRun()
    const run = await lingering(['--release-when', gate, '--settle', '3s'], name)
    await open()
    expect(await runLocker(['--no-wait', name, 'true'])).toMatchObject({ code: 1 })
    expect(await run.ends()).toMatchObject(ran)
    expect(await remains()).toEqual([])
  })
})
