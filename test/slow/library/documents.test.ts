import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { startConsul } from '../../../scripts/provide/agent.ts'
import { afterTest } from '../../kit/after-test.ts'
import { readDocument } from '../../kit/documents.ts'
import { runLocker } from '../../kit/locker.ts'
import { packNpmPackages, programWith } from '../../kit/npm-packages.ts'
import { removeFolder } from '../../kit/remove-folder.ts'

vi.setConfig({ testTimeout: 400_000 })

const folder = mkdtempSync(join(tmpdir(), 'consul-locker-npm-'))
afterAll(() => removeFolder(folder))

test('the programs in docs/library.md run as they stand there, and end by themselves', async () => {
  const agent = await startConsul({ mode: 'dev' })
  afterTest(() => agent.stop())
  const program = await programWith(await packNpmPackages(folder, 'consul-locker'), '--omit=optional')
  const blocks = [...readDocument('docs/library.md').matchAll(/^```(js|ts)\n([\s\S]*?)^```$/gm)]
  expect(blocks.length).toBeGreaterThan(5)
  for (const [n, [, language, text = '']] of blocks.entries()) {
    const file = `block-${n}.${language}`
    writeFileSync(
      join(program, file),
      text.replaceAll('http://127.0.0.1:8500', agent.address).replaceAll('127.0.0.1:8500', new URL(agent.address).host),
    )
    const ended = await runLocker([file], { locker: process.execPath, cwd: program, address: agent.address })
    expect(ended, text).toMatchObject({ code: 0, stderr: '' })
  }
})
