import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { environmentOf, unpackPackage } from '../../scripts/provide/debian.ts'
import { execute, files, linesOf } from '../kit/manual-pages.ts'

test('groff finds nothing to warn of, and makes lines of 80 columns', async () => {
  const root = await unpackPackage({ package: 'groff-base' })
  const [share = ''] = globSync(join(root, 'usr/share/groff/*.*'))
  const env = {
    ...environmentOf(root),
    GROFF_FONT_PATH: join(share, 'font'),
    GROFF_TMAC_PATH: join(share, 'tmac'),
    GROFF_NO_SGR: '1',
    LC_ALL: 'C.UTF-8',
  }
  const words = ['-ww', '-man', '-Tutf8', '-rLL=78n', '-P-c', ...files]
  const { stdout, stderr } = await execute(join(root, 'usr/bin/groff'), words, { env, maxBuffer: 10 ** 8 })
  expect(stderr).toBe('')
  const lines = linesOf(stdout)
  expect(lines.length).toBeGreaterThan(1000)
  expect(lines.filter((line) => [...line].length > 80)).toEqual([])
})
