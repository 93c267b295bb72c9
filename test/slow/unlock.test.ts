import { spawn } from 'node:child_process'
import { describe, expect, inject, test } from 'vitest'
import { findConsul } from '../../scripts/provide/find-consul.ts'
import { afterTest } from '../kit/after-test.ts'
import { leaderKey, master } from '../kit/leader.ts'
import { lockerEnvironment, patiently, Running, runLocker, startLocker } from '../kit/locker.ts'
import { client, keyOf } from '../kit/shared-consul.ts'
import { Terminal } from '../kit/terminal.ts'
import { uniqueName } from '../kit/unique.ts'
import { foreign, running, sessionOf } from '../kit/unlocked-runs.ts'

describe('on a terminal unlock asks', () => {
  test('and does as it is told', async () => {
    const name = uniqueName('asked')
    const run = await running(name)
    const session = await sessionOf(name)
    const terminal = await Terminal.open()
    await terminal.enter(`$L unlock ${name}`)
    await terminal.shows(new RegExp(`Unlock ${name}\\? \\[y/N\\]`))
    await terminal.run('no', 1)
    await terminal.run('clear')
    await terminal.enter(`$L unlock ${name}`)
    await terminal.shows(new RegExp(`Unlock ${name}\\? \\[y/N\\]`))
    await terminal.press('C-c')
    await terminal.prompts(130)
    await terminal.run('clear')
    await terminal.enter(`$L unlock ${name}`)
    await terminal.shows(new RegExp(`Unlock ${name}\\? \\[y/N\\]`))
    await terminal.press('C-d')
    await terminal.prompts(1)
    expect(await terminal.screen()).toMatch(/\[y\/N\] *\n/)
    expect(await sessionOf(name)).toBe(session)
    await terminal.run('clear')
    await terminal.enter(`$L unlock ${name}`)
    await terminal.shows(new RegExp(`Unlock ${name}\\? \\[y/N\\]`))
    await terminal.run('y', 0)
    expect(await run.ends()).toMatchObject({ code: 6 })
    await client.deleteKey(keyOf(name))
  })

  test('once, for all that match a pattern', async () => {
    const common = uniqueName('some')
    const runs = await Promise.all(['a', 'b'].map((letter) => running(`${common}-${letter}`)))
    const terminal = await Terminal.open()
    await terminal.enter(`$L unlock --pattern '${common}-*' --yield`)
    await terminal.shows(/Ask for these 2\? \[y\/N\]/)
    await terminal.run('y', 0)
    expect(await Promise.all(runs.map((run) => run.ends()))).toMatchObject([{ code: 143 }, { code: 143 }])
  })

  test('and does nothing when the holder has changed by the time of the answer', async () => {
    const name = uniqueName('changed')
    const first = await running(name)
    const terminal = await Terminal.open()
    await terminal.enter(`$L unlock ${name}`)
    await terminal.shows(new RegExp(`Unlock ${name}\\? \\[y/N\\]`))
    first.kill('SIGTERM')
    await first.ends()
    const second = await running(name)
    const session = await sessionOf(name)
    await terminal.run('y', 1)
    expect(await terminal.screen()).toMatch(/doesn't hold it any more, now it is held by/)
    expect(await sessionOf(name)).toBe(session)
    second.kill('SIGTERM')
    expect(await second.ends()).toMatchObject({ code: 143 })
  })

  test('and does nothing when the session has come to hold more', async () => {
    const [name, more] = [uniqueName('grown'), `app/${uniqueName('grown')}`]
    const session = await foreign('cache of ours', [keyOf(name), 'web9'])
    const terminal = await Terminal.open()
    await terminal.enter(`$L unlock ${name}`)
    await terminal.shows(new RegExp(`Unlock ${name}\\? \\[y/N\\]`))
    expect(await client.acquire(more, session)).toBe(true)
    afterTest(() => client.deleteKey(more))
    await terminal.run('y', 1)
    expect(await terminal.screen()).toContain(`has come to hold ${more}, too`)
    expect(await sessionOf(name)).toBe(session)
  })
})

describe('of what is no run, unlock', () => {
  test('ends one slot, or all of them', async () => {
    const name = uniqueName('slots')
    const runs = await Promise.all([1, 2, 3].map(() => running(name, undefined, ['--slots', '3'])))
    const listed = JSON.parse((await runLocker(['status', name, '--json'])).stdout)
    const [first] = listed.holders as { readonly session: string; readonly pid: number }[]
    const one = await runLocker(['unlock', name, '--holder', first?.session ?? '', '--yes'])
    expect(one).toMatchObject({ code: 0, stderr: '' })
    const hit = runs.filter(({ pid }) => pid === first?.pid)
    expect(await Promise.all(hit.map((run) => run.ends()))).toMatchObject([{ code: 6 }])
    const others = runs.filter(({ pid }) => pid !== first?.pid)
    expect(others.map((run) => run.hasEnded)).toEqual([false, false])
    const all = await runLocker(['unlock', name, '--yes'])
    expect(all.stdout.match(/holds it no more/g)).toHaveLength(2)
    expect(await Promise.all(others.map((run) => run.ends()))).toMatchObject([{ code: 6 }, { code: 6 }])
  })

  test('ends readers', async () => {
    const name = uniqueName('readers')
    const run = await running(name, undefined, ['--shared'])
    expect(await runLocker(['unlock', name, '--yes'])).toMatchObject({ code: 0, stderr: '' })
    expect(await run.ends()).toMatchObject({ code: 6 })
    await client.deleteKey(keyOf(name))
  })

  test('says of a hold that nothing stops its users', async () => {
    const name = uniqueName('hold')
    const hold = startLocker(['hold', name], { stdio: ['pipe', 'pipe', 'pipe'] })
    await hold.prints(/runId/)
    const done = await runLocker(['unlock', name, '--yes'])
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('hold tells its users, and nothing stops') })
    expect(await hold.ends()).toMatchObject({ code: 6 })
    await client.deleteKey(keyOf(name))
  })

  test('says of a leader how it is taken down in good order', async () => {
    const application = uniqueName('redis')
    const key = `lock/${application}/leader`
    const record = { host: 'web1', pid: 7, user: 'redis', command: ['leader', application], runId: 'r', promoted: true }
    const session = await foreign(`consul-locker leader ${application} r/1`, [key, JSON.stringify(record)])
    const words = ['unlock', application, '--key', key, '--yes']
    const asked = await runLocker([...words, '--yield'])
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining(`leader step-down ${application}`) })
    expect((await client.entry(key))?.Session).toBe(session)
    expect(await runLocker(['unlock', '--pattern', `${application}*`, '--yes'])).toMatchObject({ code: 0, stdout: '' })
    expect((await client.entry(key))?.Session).toBe(session)
    const done = await runLocker(words)
    expect(done).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/better:\s+consul-locker\s+leader\s+step-down/),
    })
    expect((await client.entry(key))?.Session).toBeUndefined()
  })

  test('has a real leader’s agent demote its application', async () => {
    const { toy, agent } = await master()
    const done = await runLocker(['unlock', toy.name, '--key', leaderKey(toy), '--yes'])
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('leader step-down') })
    await patiently(
      () => toy.calls.includes('demote'),
      () => 'it is not demoted',
    )
    agent.kill('SIGTERM')
    await agent.ends()
    await client.deleteKey(leaderKey(toy))
  })

  test('can’t ask a rollout', async () => {
    const name = `rollout/slots/${uniqueName('host')}/1`
    const record = { host: 'web1', pid: 7, user: 'root', command: ['rollout'], runId: 'r', lockDelayMs: 46_000 }
    await foreign('consul-locker rollout web1 r', [keyOf(name), JSON.stringify(record)])
    const asked = await runLocker(['unlock', name, '--yield', '--yes'])
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining("can't be asked") })
  })

  test('tells what is known of the Bash original, which goes on', async () => {
    const name = uniqueName('bash')
    await foreign(`consul-lock ${name}`, [keyOf(name), 'web7'], [`app/${name}`, ''])
    const asked = await runLocker(['unlock', name, '--yield', '--yes'])
    expect(asked).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is no run and no hold, and can't be asked"),
    })
    const done = await runLocker(['unlock', name, '--yes'])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    for (const told of ['held by web7', `"consul-lock ${name}"`, `also holds app/${name}`, "doesn't notice"]) {
      expect(done.stdout.replaceAll(/\s+/g, ' ')).toContain(told)
    }
    expect(done.stdout).toContain('this session has no')
    expect(await sessionOf(name)).toBeUndefined()
  })

  test('ends the command of consul lock', async () => {
    const prefix = `service/${uniqueName('theirs')}`
    const words = ['lock', `-http-addr=${inject('consulAddress')}`, prefix, 'echo begun; exec sleep 60']
    const theirs = new Running(spawn(await findConsul(), words, { env: lockerEnvironment({}) }))
    await theirs.prints(/begun/)
    const done = await runLocker(['unlock', 'theirs', '--key', `${prefix}/.lock`, '--yes'])
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('consul lock stops its command when it') })
    await theirs.ends()
  })

  test('takes all locks that match a pattern, and none that doesn’t', async () => {
    const [common, other] = [uniqueName('many'), uniqueName('single')]
    const names = ['a', 'b', 'c'].map((letter) => `${common}-${letter}`)
    const runs = await Promise.all([...names, other].map((name) => running(name)))
    const done = await runLocker(['unlock', '--pattern', `${common}-[ab]`, '--yes'])
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(done.stdout.match(/holds it no more/g)).toHaveLength(2)
    expect(await Promise.all(runs.slice(0, 2).map((run) => run.ends()))).toMatchObject([{ code: 6 }, { code: 6 }])
    expect(runs.slice(2).map((run) => run.hasEnded)).toEqual([false, false])
    for (const run of runs.slice(2)) run.kill('SIGTERM')
    await Promise.all(runs.slice(2).map((run) => run.ends()))
    for (const name of names) await client.deleteKey(keyOf(name))
  })
})

describe('unlock --yield', () => {
  test('says so when the command doesn’t end, and takes nothing from it', async () => {
    const name = uniqueName('deaf')
    const run = await running(name, "trap '' TERM; while :; do sleep 0.1; done", ['--kill-after', '1s'])
    const session = await sessionOf(name)
    const late = await runLocker(['unlock', name, '--yield', '--yes', '--timeout', '1s'])
    expect(late).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no answer from .* within 1s; the request stands/),
    })
    expect(await sessionOf(name)).toBe(session)
    await runLocker(['unlock', name, '--yes'])
    expect(await run.ends()).toMatchObject({ code: 6 })
    await client.deleteKey(keyOf(name))
  })
})
