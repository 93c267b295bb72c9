import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { copyStripped } from '../../../build/embedded-node.ts'
import { HERE } from '../../../build/target.ts'
import { scratch } from '../../kit/unique.ts'

function target(strip: readonly [string, ...string[]]) {
  const node = join(scratch(), 'node')
  writeFileSync(node, 'a program')
  return { copy: `${node}-copy`, target: { ...HERE, node, strip } }
}

test('where there is no strip, Node is copied as it is, and that is said', async () => {
  const said = vi.spyOn(console, 'error').mockReturnValue()
  const { copy, target: withoutStrip } = target(['no-such-strip'])
  await copyStripped(copy, withoutStrip)
  expect(readFileSync(copy, 'utf8')).toBe('a program')
  expect(said).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('no strip on this machine'))
  said.mockRestore()
})

test('a strip that fails (a full disk) fails the build, with its own words', async () => {
  const { copy, target: withBroken } = target(['sh', '-c', 'echo no space >&2; exit 1'])
  await expect(copyStripped(copy, withBroken)).rejects.toThrow('no space')
})
