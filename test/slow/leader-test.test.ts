import { expect, test } from 'vitest'
import { runLocker, startLocker } from '../kit/locker.ts'
import { Terminal } from '../kit/terminal.ts'
import { Toy } from '../kit/toy-application.ts'

async function tested(toy: Toy, ...words: string[]) {
  return runLocker(['leader', 'test', '-f', toy.file, ...words], { address: '127.0.0.1:1' })
}

test('leader test › of commands it says what nobody can tell, and needs no Consul', async () => {
  const toy = await Toy.make()
  const { code, stdout, stderr } = await tested(toy, '--yes')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^ok {8}ensure_master succeeds, and health agrees at once$/m)
  expect(stdout).toMatch(/^ok {8}demote again succeeds$/m)
  expect(stdout).toContain("not told  it is no master then: it doesn't say whether it is master\n")
  expect(stdout).toContain('not told  fence kills a hung master: no process that we may look into listens')
  expect(stdout).toContain('not told  ready_to_lead agrees when nobody has led before: there is no ready_to_lead\n')
  expect(stdout).toMatch(/^\d+ ok, 0 failed, \d+ not told\n$/m)
  expect(toy.calls).not.toContain('OVERLAP')
  expect(toy.calls.at(-1)).toBe('demote')
})

test('leader test › a promise that is broken is named, and the exit code is 1', async () => {
  const toy = await Toy.make()
  toy.set('fail-demote')
  const { code, stdout } = await tested(toy, '--yes')
  expect(code).toBe(1)
  expect(stdout).toContain('FAILED    demote succeeds: no demote today (exit code 3)\n')
  expect(toy.calls.at(-1)).toBe('fence')
})

test('leader test › a call that is cut short, and one that leaves a process behind', async () => {
  const toy = await Toy.make()
  toy.set('slow-master', '1')
  toy.configure({ ensure_slave: ['/bin/sh', '-c', 'setsid sleep 600 >/dev/null 2>&1 &'] })
  const { code, stdout } = await tested(toy, '--yes')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^ok {8}ensure_master that is cut short is over, and demote succeeds after it$/m)
  expect(stdout).toMatch(/^FAILED {4}no call leaves a process behind: after "ensure_slave of .*" there is sleep \(pid/m)
})

test('leader test › nothing is promoted or killed by mistake', async () => {
  const toy = await Toy.make()
  expect(await tested(toy)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('give --yes') })
  expect(await runLocker(['leader', 'test'])).toMatchObject({ code: 2 })
  toy.start()
  await toy.plays('master')
  const before = toy.calls.length
  expect(await tested(toy, '--yes')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`an agent of ${toy.name} may run on this machine`),
  })
  expect(toy.calls.length).toBe(before)
})

test('leader test › a signal ends it, and leaves no master', async () => {
  const toy = await Toy.make()
  toy.set('hang-slave')
  const running = startLocker(['leader', 'test', '-f', toy.file, '--yes'], { address: '127.0.0.1:1' })
  await running.prints(/demote again succeeds/)
  running.kill('SIGINT')
  expect(await running.ends()).toMatchObject({ code: 130 })
  expect(toy.calls.at(-1)).toBe('demote')
})

test('leader test › asks on a terminal, and takes only a yes for one', async () => {
  const toy = await Toy.make()
  const terminal = await Terminal.open({ address: '127.0.0.1:1' })
  for (const answer of ['no', 'maybe']) {
    await terminal.enter(`clear; $L leader test -f ${toy.file}`)
    await terminal.shows(/.*this promotes, hangs and kills .* Go on\? \[y\/N\]/)
    await terminal.enter(answer)
    await terminal.prompts(1)
  }
  await terminal.enter(`clear; $L leader test -f ${toy.file}`)
  await terminal.shows(/.*Go on\? \[y\/N\]/)
  await terminal.press('C-c')
  await terminal.prompts(130)
  expect(toy.calls).toEqual([])
  await terminal.enter(`clear; $L leader test -f ${toy.file}`)
  await terminal.shows(/.*Go on\? \[y\/N\]/)
  await terminal.enter('y')
  await terminal.shows(/ok {8}demote succeeds/)
  await terminal.press('C-c')
  await terminal.prompts(130)
})
