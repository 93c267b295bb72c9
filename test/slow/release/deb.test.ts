import { join } from 'node:path'
import { expect, test } from 'vitest'
import { execute } from '../../../scripts/provide/execute.ts'
import { makeDeb } from '../../../scripts/release/deb.ts'
import { makesRoots } from '../../kit/small-root.ts'
import { livesAndGoes } from './deb-story.ts'
import { contents } from './made-package.ts'

const wanted = await contents()
const deb = join(wanted.into, await makeDeb(wanted))

test('the .deb has the executable, manual, completions, units, documents and licences, and belongs to root', async () => {
  const list = await execute('dpkg-deb', ['--contents', deb])
  for (const path of [
    'usr/bin/consul-locker',
    'usr/lib/systemd/system/consul-locker-rollout@.timer',
    'usr/share/man/man1/consul-locker-run.1.gz',
    'usr/share/bash-completion/completions/consul-locker',
    'usr/share/zsh/vendor-completions/_consul-locker',
    'usr/share/fish/vendor_completions.d/consul-locker.fish',
    'usr/share/doc/consul-locker/copyright',
    'usr/share/doc/consul-locker/docs/safety.md',
    'usr/share/doc/consul-locker/examples/leader.service',
    'usr/share/doc/consul-locker/third-party-licences.txt',
    'usr/share/doc/consul-locker/sbom.cdx.json',
  ])
    expect(list).toMatch(new RegExp(`^-rw[x-]r-[x-]r-[x-] root/root .* [.]/${path}$`, 'm'))
  expect(list).not.toContain('/usr/local/')
})

test.runIf(makesRoots)('the .deb works in a Debian 12 without anything else, and purged it leaves nothing', () =>
  livesAndGoes('bookworm', deb),
)
