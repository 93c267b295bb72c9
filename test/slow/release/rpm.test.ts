import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { execute } from '../../../scripts/provide/execute.ts'
import { makeRpm, rpmProgram } from '../../../scripts/release/rpm.ts'
import { makesRoots } from '../../kit/small-root.ts'
import { scratch } from '../../kit/unique.ts'
import { contents } from './made-package.ts'

const wanted = await contents()
const file = join(wanted.into, await makeRpm(wanted))

async function rpm(...words: string[]): Promise<string> {
  const { path, env } = await rpmProgram('rpm')
  return execute(path, words, { env })
}

test('the .rpm has the executable, manual, completions, units, documents and licences', async () => {
  const list = (await rpm('--query', '--list', '--package', file)).split('\n')
  for (const path of [
    '/usr/bin/consul-locker',
    '/usr/lib/systemd/system/consul-locker-leader@.service',
    '/usr/share/man/man1/consul-locker-run.1.gz',
    '/usr/share/bash-completion/completions/consul-locker',
    '/usr/share/zsh/site-functions/_consul-locker',
    '/usr/share/fish/vendor_completions.d/consul-locker.fish',
    '/usr/share/doc/consul-locker',
    '/usr/share/doc/consul-locker/docs/safety.md',
    '/usr/share/doc/consul-locker/third-party-licences.txt',
    '/usr/share/licenses/consul-locker/LICENSE',
  ])
    expect(list).toContain(path)
})

test('the .rpm asks for the libraries that the executable needs, and for no libatomic', async () => {
  const needs = await rpm('--query', '--requires', '--package', file)
  expect(needs).toMatch(/^libc[.]so[.]6\(GLIBC_2[.]\d+\)/m)
  expect(needs).toMatch(/^libstdc\+\+[.]so[.]6/m)
  expect(needs).toMatch(/^[/]bin[/]sh$/m)
  expect(needs).not.toContain('libatomic')
})

test.runIf(makesRoots)(
  'the .rpm is installed in a root, works as it stands there, and erased it leaves nothing',
  async () => {
    const root = scratch()
    const inRoot = ['--root', root, '--dbpath', '/var/lib/rpm', '--nodeps']
    mkdirSync(join(root, 'var/lib/rpm'), { recursive: true })
    await rpm(...inRoot, '--install', file)
    expect(await rpm(...inRoot, '--verify', 'consul-locker')).toBe('')
    expect(await execute(join(root, 'usr/bin/consul-locker'), ['--version'])).toMatch(/^consul-locker \d/)
    await rpm(...inRoot, '--erase', 'consul-locker')
    expect(await execute('find', [root, '-mindepth', '1', '-name', '*consul-locker*'])).toBe('')
  },
)
