import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { execute } from '../../../scripts/provide/execute.ts'
import { writeSums } from '../../../scripts/release/sums.ts'
import { makeTarball } from '../../../scripts/release/tarball.ts'
import { bareRoot } from '../../kit/bare-root.ts'
import { block } from '../../kit/documents.ts'
import { FreshMachine, mayHaveMachines } from '../../kit/fresh-machine.ts'
import { LOCKER, runLocker } from '../../kit/locker.ts'
import { uniqueName } from '../../kit/unique.ts'
import { contents } from './made-package.ts'

const wanted = await contents()
const name = await makeTarball(wanted)
const tarball = join(wanted.into, name)

test('the tarball has one folder, with the executable and all that goes with it', async () => {
  const [folder, ...paths] = (await execute('tar', ['-tf', tarball])).trim().split('\n')
  expect(folder).toMatch(/^consul-locker-\d+[.]\d+[.]\d+-linux-(x64|arm64)[/]$/)
  expect(paths.every((path) => path.startsWith(folder as string))).toBe(true)
  const inside = paths.map((path) => path.slice(folder?.length))
  expect(inside).toEqual(
    expect.arrayContaining([
      'consul-locker',
      'LICENSE',
      'third-party-licences.txt',
      'README.md',
      'docs/safety.md',
      'man/consul-locker-run.1',
      'completions/_consul-locker',
    ]),
  )
})

test('the executable of the tarball works in a root with nothing but glibc, libstdc++ and a shell', async () => {
  const root = await bareRoot(LOCKER, '/bin/sh')
  await execute('tar', ['-xf', tarball, '-C', root, '--strip-components=1'])
  const lock = uniqueName('tarball')
  const words = ['--no-guardian', lock, 'sh', '-c', 'echo "$CONSUL_LOCKER_NAME"; exit 3']
  const through = ['unshare', '--map-root-user', '--root', root]
  expect(await runLocker(words, { through, locker: '/consul-locker' })).toMatchObject({ code: 3, stdout: `${lock}\n` })
})

test.runIf(mayHaveMachines)('the tarball is installed by the commands in docs/install.md', async () => {
  const machine = await FreshMachine.start({ consul: 'none' })
  try {
    const commands = block('docs/install.md', 'tar --extract').replaceAll('-linux-x64', `-linux-${process.arch}`)
    // This one isn't compressed, which tar sees.
    const [file] = /\S+[.]tar[.]xz/.exec(commands) ?? []
    const install = `cd /var; cp '${tarball}' ${file}; ${commands}`
    const installed = await machine.does(`${install}/usr/local/bin/consul-locker --version`)
    expect(installed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^consul-locker \d/) })
  } finally {
    await machine.stop()
  }
})

test('SHA256SUMS is what sha256sum checks', async () => {
  await writeSums(wanted.into, [name])
  expect(readFileSync(join(wanted.into, 'SHA256SUMS'), 'utf8')).toMatch(/^[0-9a-f]{64} {2}consul-locker-.*\n$/)
  const check = block('docs/install.md', 'sha256sum')
  expect(await execute('sh', ['-c', check], { cwd: wanted.into })).toBe(`${name}: OK\n`)
})

test('the bill of materials names Node, its OpenSSL, and each package that we depend on, with sums', () => {
  const { components } = JSON.parse(readFileSync(join(wanted.work, 'made/sbom.cdx.json'), 'utf8'))
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'))
  const purls = Object.entries(dependencies).map(([name, version]) => `pkg:npm/${name.replace('@', '%40')}@${version}`)
  const npm = expect.objectContaining({
    hashes: [{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }],
  })
  expect(purls.map((purl) => components.find((one: { purl: string }) => one.purl === purl))).toEqual(
    purls.map(() => npm),
  )
  const node = components.find(({ name }: { name: string }) => name === 'node')
  expect(node.components).toContainEqual(
    expect.objectContaining({ name: 'openssl', version: process.versions.openssl }),
  )
})
