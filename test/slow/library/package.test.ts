import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { LIBRARY_USER, TYPED_USER } from '../../kit/library-user.ts'
import { runLocker, startLocker } from '../../kit/locker.ts'
import { installedForAll, packNpmPackages, programWith } from '../../kit/npm-packages.ts'
import type { Packed } from '../../kit/npm-registry.ts'
import { removeFolder } from '../../kit/remove-folder.ts'
import { uniqueName } from '../../kit/unique.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 400_000 })

const PROJECT = join(import.meta.dirname, '../../..')
const ARCH = process.arch

let packed: readonly Packed[]

const folder = mkdtempSync(join(tmpdir(), 'consul-locker-npm-'))

beforeAll(async () => {
  packed = await packNpmPackages(folder)
})

afterAll(() => removeFolder(folder))

const file = (...path: readonly string[]) => readFileSync(join(...path), 'utf8')

describe('npm install --global', () => {
  test('brings the executable for this machine, which takes the launcher’s place as a process', async () => {
    const prefix = await installedForAll(packed)
    const locker = join(prefix, 'bin/consul-locker')
    const name = uniqueName('npm')
    const run = startLocker([name, 'sh', '-c', 'echo held; read -r line; exit 7'], {
      locker,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    await run.prints(/held/)
    const executable = `node_modules/consul-locker-linux-${ARCH}/consul-locker`
    expect(realpathSync(`/proc/${run.pid}/exe`)).toBe(
      realpathSync(join(prefix, 'lib/node_modules/consul-locker', executable)),
    )
    expect((await runLocker(['--no-wait', name, 'true'])).code).toBe(1)
    run.child.stdin?.end('\n')
    expect((await run.ends()).code).toBe(7)
    expect(await runLocker(['--version'], { locker })).toMatchObject({ code: 0, stderr: '' })
  })

  test('says what is missing where the package for the platform was left out', async () => {
    const prefix = await installedForAll(packed)
    rmSync(join(prefix, 'lib/node_modules/consul-locker/node_modules'), { recursive: true })
    expect(await runLocker(['--version'], { locker: join(prefix, 'bin/consul-locker') })).toMatchObject({
      code: 127,
      stdout: '',
      stderr: `consul-locker: the package consul-locker-linux-${ARCH} is not installed: install again, without --omit=optional\n`,
    })
  })
})

describe('the packages', () => {
  test('run nothing when they are installed, and name each other in the same version', () => {
    const { version } = JSON.parse(file(PROJECT, 'package.json'))
    for (const { manifest } of packed) expect(manifest).toMatchObject({ version, license: 'MIT' })
    for (const { manifest } of packed) expect(manifest).not.toHaveProperty('scripts')
    expect(packed.map(({ manifest }) => manifest)).toContainEqual(
      expect.objectContaining({
        name: 'consul-locker',
        optionalDependencies: { 'consul-locker-linux-x64': version, 'consul-locker-linux-arm64': version },
      }),
    )
  })

  test('have all files that must go with them', async () => {
    const folder = join(await programWith(packed, '--omit=optional'), 'node_modules/consul-locker')
    expect(readdirSync(folder).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'lib',
      'package.json',
      'third-party-licences.txt',
      'types',
    ])
    expect(file(folder, 'third-party-licences.txt')).toMatch(/^valibot \d.* \(MIT\)$/m)
    const imports = readdirSync(join(folder, 'lib')).flatMap((name) => [
      ...file(folder, 'lib', name).matchAll(/(?:from |import\()"([^"]+)"/g),
    ])
    const elsewhere = imports.map(([, name = '']) => name).filter((name) => !/^(node:|\.\/)/.test(name))
    expect([imports.length > 0, elsewhere]).toEqual([true, []])
  })
})

describe('a program with the library', () => {
  test('does with it what it promises on this Node, and ends by itself', async () => {
    const program = await programWith(packed, '--omit=optional')
    writeFileSync(join(program, 'user.js'), LIBRARY_USER)
    const words = ['user.js', inject('consulAddress'), uniqueName('user')]
    const ended = await runLocker(words, { locker: process.execPath, cwd: program })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(/require\(\) takes it\nnothing of the process is listened to\n$/)
  })

  test('in TypeScript is checked, strictly, its own declarations included', async () => {
    const program = await programWith(packed, '--omit=optional')
    writeFileSync(join(program, 'typed.ts'), TYPED_USER)
    const tsc = join(PROJECT, 'node_modules/typescript/bin/tsc')
    const words = '--noEmit --strict --target es2022 --lib es2022,dom --skipDefaultLibCheck --module nodenext typed.ts'
    const ended = await runLocker([tsc, ...words.split(' ')], { locker: process.execPath, cwd: program })
    expect(ended).toMatchObject({ code: 0, stdout: '' })
  })
})
