import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, type LockerOptions, patiently, type Running, runLocker, startLocker } from '../kit/locker.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

const consul = new ConsulClient()
const TEXT = readFileSync(join(import.meta.dirname, '../../docs/deploy.md'), 'utf8')

/** The one block of code with these words in it, as it is to be pasted, but for the lock's name. */
function recipe(words: string, name: string): string {
  const [found, ...others] = [...TEXT.matchAll(/^```(?:sh|bash)\n([\s\S]*?)^```/gm)].filter(([text]) =>
    text.includes(words),
  )
  if (found?.[1] === undefined || others.length > 0) throw new Error(`docs/deploy.md has not one block with ${words}`)
  return found[1].replaceAll(/\bdeploy\b/g, name)
}

/** A directory with the executable on the PATH, and these scripts, which the recipes call. */
function place(scripts: Readonly<Record<string, string>>): LockerOptions & { readonly cwd: string } {
  const cwd = scratch()
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(cwd, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  }
  return { cwd, env: { PATH: `${join(LOCKER, '..')}:${process.env.PATH}` } }
}

/** Has a shell follow a script; `LOCKER` is one word more to it. */
function follow(
  script: string,
  options: LockerOptions,
  shell = script.startsWith('#!/bin/bash') ? 'bash' : 'sh',
): Running {
  return startLocker([], { ...options, through: [shell, '-c', script] })
}

describe.each([
  ['sh', '#!/bin/sh'],
  ['bash', '#!/bin/bash'],
])('a script that holds a lock, for %s,', (_, first) => {
  test('works under it, and gives it back', async () => {
    const name = uniqueName('script')
    const steps = { migrate: `consul-locker -n ${name} true; echo "locked $?"`, restart: 'echo restarted' }
    const ended = await follow(recipe(first, name), place(steps)).ends()
    expect(ended).toMatchObject({ code: 0, stdout: 'locked 1\nrestarted\n' })
    expect(await consul.remains(name)).toEqual([])
  })

  test('ends with the code of what fails in it, and gives the lock back', async () => {
    const name = uniqueName('failing')
    expect((await follow(recipe(first, name), place({ migrate: 'exit 3' })).ends()).code).toBe(3)
    expect(await consul.remains(name)).toEqual([])
  })

  test('waits for its turn, and ends when it doesn’t come', async () => {
    const name = uniqueName('turn')
    const options = place({ migrate: 'echo migrates; until [ -e done ]; do sleep 0.1; done', restart: '' })
    const one = follow(recipe(first, name), options)
    await one.prints(/migrates/)
    const impatient = recipe(first, name).replace('hold ', 'hold --no-wait ')
    const other = await follow(impatient, options).ends()
    expect(other).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('is busy') })
    const waiting = follow(recipe(first, name), options)
    await waiting.says(/waiting for/)
    writeFileSync(join(options.cwd, 'done'), '')
    expect((await one.ends()).code).toBe(0)
    expect(await waiting.ends()).toMatchObject({ code: 0, stdout: 'migrates\n' })
    expect(await consul.remains(name)).toEqual([])
  })

  test('ends with 6 when the lock was lost, though all of its steps succeeded', async () => {
    const name = uniqueName('lost')
    const options = place({ migrate: 'echo migrates; until [ -e done ]; do sleep 0.1; done', restart: '' })
    const script = follow(recipe(first, name), options)
    await script.prints(/migrates/)
    await consul.destroySession(await consul.holder(`consul-locker-${name}`))
    await script.says(/was lost/)
    writeFileSync(join(options.cwd, 'done'), '')
    expect((await script.ends()).code).toBe(6)
  })

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'gives the lock back when it dies of %s, once its steps have ended',
    async (signal) => {
      const name = uniqueName('killed')
      const options = place({ migrate: 'echo migrates; until [ -e done ]; do sleep 0.1; done', restart: '' })
      const script = follow(recipe(first, name), options)
      await script.prints(/migrates/)
      script.kill(signal)
      expect((await runLocker(['-n', name, 'true'])).code).toBe(1)
      writeFileSync(join(options.cwd, 'done'), '')
      await script.ends()
      expect((await runLocker([name, 'true'])).code).toBe(0)
      expect(await consul.remains(name)).toEqual([])
    },
  )

  test('asks before a step that can’t be undone', async () => {
    const name = uniqueName('verify')
    const options = place({ 'irreversible-step': 'echo "step under fence $CONSUL_LOCKER_FENCE"' })
    const script = recipe(first, name).replace('./migrate && ./restart', recipe('irreversible-step', name))
    const ended = await follow(script, options).ends()
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^step under fence [1-9]\d*\n$/) })
  })
})

describe('a CI job that holds a lock', () => {
  test('has it from its first step to its last, which may be elsewhere', async () => {
    const name = uniqueName('ci')
    const options = place({})
    // GitHub and GitLab read nothing of a step that has ended; here its standard error is a file.
    const step = (script: string) => follow(`exec 2>>steps.log\n${script}`, options).ends()
    expect(await step(`${recipe('mkfifo lock.pipe', name)}`)).toMatchObject({ code: 0 })
    expect((await runLocker(['-n', name, 'true'])).code).toBe(1)
    expect(await step(recipe('lock.run)"', name))).toMatchObject({ code: 0 })
    await patiently(
      async () => (await consul.remains(name)).length === 0,
      () => 'the lock is held',
    )
    expect((await step(recipe('lock.run)"', name))).code).toBe(1)
  })

  test('ends at its first step when the lock isn’t to be had', async () => {
    const name = uniqueName('ci')
    const holder = startLocker(['hold', name, '--for', '1h'])
    await holder.prints(/\{/)
    const script = recipe('mkfifo lock.pipe', name).replace('--wait 20m', '--no-wait')
    expect(await follow(script, place({})).ends()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is busy'),
    })
  })
})
