import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { patiently } from '../kit/locker.ts'
import { Toy } from '../kit/toy-application.ts'

/** A toy on a machine whose watchdog is a file. */
async function watched(timeout = '11') {
  const toy = await Toy.make()
  const [device, sysfs] = [join(toy.dir, 'watchdog'), join(toy.dir, 'sysfs')]
  writeFileSync(device, '')
  mkdirSync(sysfs)
  writeFileSync(join(sysfs, 'timeout'), `${timeout}\n`)
  toy.configure({ watchdog: { mode: 'required', device, sysfs } })
  const agent = toy.start()
  const written = () => readFileSync(device, 'latin1')
  return { toy, agent, written, isArmed: () => /\0$/.test(written()) }
}

async function armed() {
  const machine = await watched()
  await machine.toy.plays('master')
  await patiently(machine.isArmed, () => 'it is not armed')
  return machine
}

describe('a watchdog', () => {
  test('is petted while the application is master, and disarmed when it hands over', async () => {
    const { toy, agent, written } = await armed()
    const before = written().length
    await patiently(
      () => written().length > before + 1,
      () => 'it is not petted',
    )
    toy.set('sick')
    await toy.becomes('demote')
    await patiently(
      () => written().endsWith('V'),
      () => 'it is not disarmed',
    )
    agent.kill('SIGTERM')
    expect(await agent.ends()).toMatchObject({ code: 0 })
    expect(written().endsWith('V')).toBe(true)
  })

  test('is disarmed by the guardian of a killed agent, which has demoted', async () => {
    const { toy, agent, written } = await armed()
    agent.kill('SIGKILL')
    await toy.becomes('demote')
    await patiently(
      () => written().endsWith('V'),
      () => 'it is not disarmed',
    )
  })

  test('stays armed when nobody can demote, or fence', async () => {
    const { toy, agent, isArmed } = await armed()
    toy.set('fail-demote')
    toy.set('fail-fence')
    agent.kill('SIGKILL')
    await patiently(
      () => agent.stderr.includes('error: fence failed: no fence today'),
      () => `nobody tried: ${agent.stderr}`,
    )
    expect(isArmed()).toBe(true)
  })

  test('that would fire too late is refused where it is required', async () => {
    const { agent } = await watched('60')
    const { code, stderr } = await agent.ends()
    expect(code).toBe(5)
    expect(stderr).toMatch(/error: the watchdog \S+ fires after 1m, and others may be master by then \(it must be 11s/)
  })
})
