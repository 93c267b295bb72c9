import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { afterTest } from '../../kit/after-test.ts'
import { startDevServer } from '../../kit/dev-server.ts'
import { diagnose } from '../../kit/doctor.ts'
import { agentAddress, fileWith, leaderFile } from '../../kit/doctored-files.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

describe.concurrent("doctor of a leader's file", () => {
  test('finds nothing in one that is in order', async () => {
    expect(await diagnose(agentAddress(), ['-f', fileWith(leaderFile(uniqueName('led')))])).toMatchObject({
      exit: 0,
      found: [],
    })
  })

  test('finds nothing that would break it at consul-locker dev, which tells less of itself', async () => {
    const dev = await startDevServer()
    afterTest(() => dev.stop())
    const { exit, found } = await diagnose(dev.address, ['-f', fileWith(leaderFile('led')), 'backup'])
    expect([exit, found]).toEqual([0, ['CL109 warning', 'CL304 warning']])
  })

  test('names what is wrong in it, with its line', async () => {
    const { exit, found, said } = await diagnose(agentAddress(), ['-f', fileWith(`${leaderFile('led')}prio: 3\n`)])
    expect([exit, found]).toEqual([1, ['CL701 failure']])
    expect(said('CL701')).toMatch(/file\.yaml:7: there is no key prio/)
  })

  test('names every command that is not there, and one that is no program', async () => {
    const script = join(scratch(), 'fence')
    writeFileSync(script, '#!/bin/sh\n', { mode: 0o644 })
    const more = `ready_to_lead: [no-such-program]\non_change: /opt/no/such --thing\nfence: [${script}]\n`
    const { exit, found, said } = await diagnose(agentAddress(), ['-f', fileWith(leaderFile('led') + more)])
    expect([exit, found]).toEqual([1, ['CL702 failure']])
    for (const named of ['no-such-program', '/opt/no/such', 'fence: ']) expect(said('CL702')).toContain(named)
  })

  test('names a file that is not there, and one of another kind', async () => {
    expect((await diagnose(agentAddress(), ['-f', '/nowhere/app.yaml'])).found).toEqual(['CL701 failure'])
    expect((await diagnose(agentAddress(), ['-f', fileWith('hello: world\n')])).found).toEqual(['CL701 failure'])
  })
})

describe.concurrent("doctor of an init script's file", () => {
  test('names a service command that is not there', async () => {
    const path = fileWith('name: x\nconsul_service: x\ncluster_key: a\nservice_command: /no/such {action} {service}\n')
    expect((await diagnose(agentAddress(), ['-f', path])).found).toContain('CL702 failure')
  })
})

describe.concurrent("doctor of a rollout's file", () => {
  test('finds nothing in one that is in order, and names what is not there', async () => {
    const dir = scratch()
    mkdirSync(join(dir, 'tests'))
    const file = (upgrade: string) =>
      fileWith(`host: web1\nversion_file: ${dir}/version\nvalidate: ${dir}/tests\nupgrade: [${upgrade}]\n`)
    expect(await diagnose(agentAddress(), ['-f', file('[sh, -c, date]')])).toMatchObject({ exit: 0, found: [] })
    expect((await diagnose(agentAddress(), ['-f', file('[apt-gett, update]')])).found).toEqual(['CL702 failure'])
  })

  test('names a role that nobody has', async () => {
    const text = `roles: [db]\nversion_file: ${scratch()}/version\nupgrade: [date]\n`
    const { found, said } = await diagnose(agentAddress(), ['-f', fileWith(text)])
    expect(found).toEqual(['CL702 failure'])
    expect(said('CL702')).toContain(`the role of ${hostname()}`)
  })
})
