import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { unpackPackage } from '../../../../scripts/provide/debian.ts'
import { debianRoot } from '../../../../scripts/provide/debian-root.ts'
import { DebianMachine } from '../../../kit/debian-machine.ts'
import { block } from '../../../kit/documents.ts'
import { keptPackage, otherNode } from '../../../kit/other-nodes.ts'
import { makesRoots } from '../../../kit/small-root.ts'

const PROJECT = join(import.meta.dirname, '../../../..')
const SUITE = 'bookworm'

const [DEMO = ''] = block('README.md', 'npm ci && npm run demo').split('\n')

/** The one that Node 20 brings. */
const NPM = '10.8.2'

const tar = (folder: string, ...what: string[]) =>
  execFileSync('tar', ['-c', '-h', '-C', folder, ...what], { maxBuffer: 256 * 1024 ** 2 })

test.runIf(makesRoots)('the README’s npm ci && npm run demo needs nothing but npm, Node 20 and libatomic', async () => {
  const machine = await DebianMachine.start(await debianRoot(SUITE))
  const does = async (text: string, input?: Buffer) => {
    const ended = await machine.does(text, input)
    expect(ended, text).toMatchObject({ code: 0 })
    return ended
  }
  await does('rm -r /usr/bin/apt* /usr/lib/apt; mkdir /usr/local/lib/npm /project')
  await does('cat >/usr/local/bin/node; chmod +x /usr/local/bin/node', readFileSync(await otherNode('20')))
  await does('tar -x -C /usr/local/lib/npm', tar(await keptPackage('npm', NPM), '.'))
  await does('ln -s ../lib/npm/bin/npm-cli.js /usr/local/bin/npm')
  const atomics = await unpackPackage({ package: 'libatomic1', suite: SUITE })
  const [library = ''] = globSync('usr/lib/*/libatomic.so.1', { cwd: atomics })
  await does('tar -x -C /', tar(atomics, library))
  await does(
    'tar -x -C /project',
    execFileSync('git', ['-C', PROJECT, 'archive', 'HEAD'], { maxBuffer: 256 * 1024 ** 2 }),
  )
  const { NODE_EXTRA_CA_CERTS: authorities } = process.env
  if (authorities) await does('cat >/etc/authorities.pem', readFileSync(authorities))

  const trust = authorities ? 'export NODE_EXTRA_CA_CERTS=/etc/authorities.pem; ' : ''
  const path = 'export PATH=/usr/local/bin:$PATH'
  const demo = machine.run(`${trust}${path}; cd /project; ${DEMO}`)
  // A registry, and a machine with other tests to run, have their own time; the test's limit ends them.
  await once(demo.child, 'close')
  const { code, stdout, stderr } = await demo.ends()
  expect({ code, stdout }, stderr).toEqual({
    code: 0,
    stdout: expect.stringMatching(
      /consul-locker dev, a Consul of one process, is ready.*one after the other, never two at once[.]\n$/s,
    ),
  })
})
