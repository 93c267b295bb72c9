import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { LIBRARY_USER } from '../../kit/library-user.ts'
import { runLocker } from '../../kit/locker.ts'
import { packNpmPackages, programWith } from '../../kit/npm-packages.ts'
import type { Packed } from '../../kit/npm-registry.ts'
import { otherNode } from '../../kit/other-nodes.ts'
import { removeFolder } from '../../kit/remove-folder.ts'
import { uniqueName } from '../../kit/unique.ts'

vi.setConfig({ hookTimeout: 400_000 })

const folder = mkdtempSync(join(tmpdir(), 'consul-locker-npm-'))
let packed: readonly Packed[]

beforeAll(async () => {
  packed = await packNpmPackages(folder, 'consul-locker')
})

afterAll(() => removeFolder(folder))

declare module 'vitest' {
  interface ProvidedContext {
    /** Major versions. */
    newerNodes: readonly string[]
  }
}

describe('the library', () => {
  test.each(inject('newerNodes'))(
    'does on Node %s what it promises, and its program ends by itself',
    async (version) => {
      await doesOn(version)
    },
  )

  test('does so on the oldest Node that it says it needs', async () => {
    const manifest = packed.find(({ manifest }) => manifest.name === 'consul-locker')?.manifest
    const { engines } = manifest as { engines?: { node: string } }
    const [, oldest = ''] = /^>=(\d+\.\d+\.\d+)$/.exec(engines?.node ?? '') ?? []
    await doesOn(oldest)
  })
})

async function doesOn(version: string): Promise<void> {
  const node = await otherNode(version)
  expect(await runLocker(['--version'], { locker: node })).toMatchObject({
    stdout: expect.stringMatching(`^v${version.replaceAll('.', '\\.')}[.\n]`),
  })
  const program = await programWith(packed, '--omit=optional')
  // What is loaded later, for only some calls, too.
  const modules = readdirSync(join(program, 'node_modules/consul-locker/lib')).map(
    (name) => `import './node_modules/consul-locker/lib/${name}'\n`,
  )
  writeFileSync(join(program, 'user.js'), modules.join('') + LIBRARY_USER)
  const words = ['--unhandled-rejections=strict', 'user.js', inject('consulAddress'), uniqueName('user')]
  const ended = await runLocker(words, { locker: node, cwd: program })
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout).toMatch(
    /a hundred given back\n(?:require\(\) takes it\n)?nothing of the process is listened to\n$/,
  )
}
