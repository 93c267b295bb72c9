import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ConsulClient } from '../../kit/consul-client.ts'
import { LOCKER, lockerEnvironment, patiently, Running, runLocker } from '../../kit/locker.ts'
import { uniqueName } from '../../kit/unique.ts'

const ROOT = join(import.meta.dirname, '../../..')
const PLAIN = join(ROOT, 'dist/consul-locker-plain')

/** How a WebAssembly module begins, as undici has its parser. Node has some of its own. */
const WEB_ASSEMBLY = 'AGFzbQEAAAA'
/** One that the executable with the snapshot runs with. */
const FLAG = '--no-rehash-snapshot'

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, 'build.mjs'), '--plain'], { stdio: ['ignore', 'inherit', 'inherit'] })
})

function start(...words: string[]): Running {
  return new Running(spawn(PLAIN, words, { env: lockerEnvironment({}), stdio: ['ignore', 'pipe', 'pipe'] }))
}

async function run(...words: string[]) {
  const { code, stdout, stderr } = await start(...words).ends()
  return { code, stdout, stderr }
}

describe('an executable without snapshot and translated parser', () => {
  test('has undici’s own parser, and no flags', () => {
    const count = (file: string, text: string) => readFileSync(file, 'latin1').split(text).length - 1
    const own = (file: string) => count(file, WEB_ASSEMBLY) - count(process.execPath, WEB_ASSEMBLY)
    expect([own(PLAIN) > 0, own(LOCKER)]).toEqual([true, 0])
    expect([count(PLAIN, FLAG), count(LOCKER, FLAG) > 0]).toEqual([0, true])
  })

  test('runs a command under a lock that the other one respects, and leaves nothing', async () => {
    const [name, consul] = [uniqueName('plain'), new ConsulClient()]
    const holder = start(name, 'sh', '-c', 'echo "$CONSUL_LOCKER_NAME"; exec sleep 600')
    await holder.prints(new RegExp(`^${name}\n`))
    await consul.holder(`consul-locker-${name}`)
    expect((await runLocker(['--no-wait', name, 'true'])).code).toBe(1)
    holder.kill('SIGTERM')
    expect((await holder.ends()).code).toBe(143)
    expect(await consul.remains(name)).toEqual([])
  })

  test('passes on its command’s output and exit code', async () => {
    expect(await run(uniqueName('plain'), 'sh', '-c', 'echo out; echo err >&2; exit 7')).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })

  test('waits its turn, and has its guardian end the command and release when it is killed', async () => {
    const [name, consul] = [uniqueName('plain'), new ConsulClient()]
    const killed = start(name, 'sh', '-c', 'echo begun; sleep 600')
    await killed.prints(/begun/)
    const waiting = start(name, 'echo', 'next')
    await consul.contender(name, `consul-locker-${name}`)
    killed.kill('SIGKILL')
    expect(await waiting.ends()).toMatchObject({ code: 0, stdout: 'next\n' })
    await patiently(
      async () => (await consul.remains(name)).length === 0,
      () => `something is left of ${name}`,
    )
  })

  test('loads what only some commands need, and explains itself', async () => {
    expect((await run('--version')).stdout).toMatch(/^consul-locker \d/)
    expect((await run('--help')).stdout).toContain('--no-wait')
    expect((await run('wait', '--once', 'file:/nope')).code).toBe(1)
    expect((await run('--no-such-option', 'a', 'true')).code).toBe(2)
  })
})
