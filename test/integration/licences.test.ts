import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runLocker } from '../kit/locker.ts'

const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))

test('--licenses prints the licence of each package that we depend on, of Node, and of what Node contains', async () => {
  const { code, stdout, stderr } = await runLocker(['--licenses'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const [name, version] of Object.entries(dependencies)) expect(stdout).toContain(`\n${name} ${version} (`)
  for (const part of ['consul-locker (MIT)', 'Node.js 26', 'OpenSSL', 'llhttp', 'V8']) expect(stdout).toContain(part)
})
