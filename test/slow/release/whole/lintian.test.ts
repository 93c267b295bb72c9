import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { environmentOf, unpackPackage } from '../../../../scripts/provide/debian.ts'
import { makeDeb } from '../../../../scripts/release/deb.ts'
import { Running } from '../../../kit/locker.ts'
import { contents } from '../made-package.ts'

const wanted = await contents()
const deb = join(wanted.into, await makeDeb({ ...wanted, compression: 'xz' }))

/** Where its modules are; those of perl's own go by its version. */
const MODULES = ['usr/share/perl5', 'usr/lib/*-linux-gnu/perl5/*']

test('lintian finds no error in the .deb, and warns of nothing but what it lacks yet', async () => {
  const root = await unpackPackage({ package: 'lintian' })
  const perl5 = globSync(MODULES, { cwd: root }).map((path) => join(root, path))
  const env = { ...environmentOf(root), PERL5LIB: perl5.join(':'), LC_ALL: 'C.UTF-8' }
  const words = [join(root, 'usr/share/lintian/bin/lintian'), '--no-cfg', '--allow-root', deb]
  const running = new Running(spawn('perl', words, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
  await once(running.child, 'exit')
  const { code, stdout, stderr } = await running.ends()
  const hints = stdout.split('\n').filter((line) => line !== '' && !line.includes(': no-manual-page '))
  expect({ code, stderr, hints }).toEqual({ code: 0, stderr: '', hints: [] })
})
