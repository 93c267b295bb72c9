import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeDeb } from '../../../../scripts/release/deb.ts'
import { makeRpm, rpmProgram } from '../../../../scripts/release/rpm.ts'
import { throughEmulator } from '../../../../scripts/release/targets.ts'
import { ConsulClient } from '../../../kit/consul-client.ts'
import { runLocker, startLocker } from '../../../kit/locker.ts'
import { uniqueName } from '../../../kit/unique.ts'
import { ARCH, contents } from '../made-package.ts'

const OTHER = ARCH === 'x64' ? 'arm64' : 'x64'
const NAMES = { x64: { deb: 'amd64', rpm: 'x86_64' }, arm64: { deb: 'arm64', rpm: 'aarch64' } }

const wanted = await contents(OTHER)
const locker = join(wanted.work, 'made/consul-locker')
const through = await throughEmulator(OTHER)

test('the executable of the other architecture tells which it is', async () => {
  expect((await runLocker(['--version'], { locker, through })).stdout).toMatch(new RegExp(`, linux-${OTHER}\\)\n$`))
})

test('it runs a command under a lock that this architecture’s respects, and leaves nothing', async () => {
  const [name, consul] = [uniqueName('foreign'), new ConsulClient()]
  const holder = startLocker([name, 'sh', '-c', 'echo "$CONSUL_LOCKER_NAME"; read -r line; exit 7'], {
    locker,
    through,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  await holder.prints(new RegExp(`^${name}\n`))
  expect((await runLocker(['--no-wait', name, 'true'])).code).toBe(1)
  holder.child.stdin?.end('go on\n')
  expect(await holder.ends()).toMatchObject({ code: 7, stderr: '' })
  expect(await consul.remains(name)).toEqual([])
})

test('it loads what only some commands need', async () => {
  const { code, stdout } = await runLocker(['--licenses'], { locker, through })
  expect({ code, length: stdout.length }).toEqual({ code: 0, length: expect.toSatisfy((length) => length > 100_000) })
})

test('its packages are for that architecture', async () => {
  const deb = join(wanted.into, await makeDeb(wanted))
  expect(execFileSync('dpkg-deb', ['--field', deb, 'Architecture'], { encoding: 'utf8' })).toBe(`${NAMES[OTHER].deb}\n`)
  const { path, env } = await rpmProgram('rpm')
  const words = ['--query', '--queryformat', '%{ARCH}', '--package', join(wanted.into, await makeRpm(wanted))]
  expect(execFileSync(path, words, { env, encoding: 'utf8' })).toBe(NAMES[OTHER].rpm)
})
