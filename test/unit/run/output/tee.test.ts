import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Tee } from '../../../../src/run/output/tee.ts'
import { SILENT } from '../../../virtual/silent-log.ts'
import { virtualLock } from '../../../virtual/virtual-lock.ts'

/** It is written to with one number alone. */
const FUSSY = '/proc/self/oom_score_adj'

function place() {
  const folder = mkdtempSync(join(tmpdir(), 'tee-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const warnings: string[] = []
  const ctx = { ...virtualLock().ctx, log: { ...SILENT, warn: (line: string) => void warnings.push(line) } }
  const name = join(folder, 'log')
  const open = (maxBytes?: number, file = name) => {
    const tee = new Tee(ctx, file, maxBytes)
    return { tee, write: (text: string) => tee.write('stdout', Buffer.from(text)) }
  }
  return { folder, name, warnings, open, read: (suffix = '') => readFileSync(`${name}${suffix}`, 'utf8') }
}

describe('a tee', () => {
  test('writes both streams to its file, in order, behind what is there', async () => {
    const { name, warnings, open, read } = place()
    writeFileSync(name, 'before\n')
    const { tee, write } = open()
    write('one\n')
    tee.write('stderr', Buffer.from('two\n'))
    await write('three\n')
    tee.close()
    expect(read()).toBe('before\none\ntwo\nthree\n')
    expect(warnings).toEqual([])
  })

  test('begins it anew before it grows too large', async () => {
    const { open, read } = place()
    const { tee, write } = open(8)
    await write('one two\n')
    await write('three\n')
    tee.close()
    expect([read(), read('.1')]).toEqual(['three\n', 'one two\n'])
  })

  test('lets it grow, and says so once, when it can’t be renamed', async () => {
    const { name, warnings, open, read } = place()
    writeFileSync(`${name}.4`, '')
    mkdirSync(`${name}.5`)
    const { tee, write } = open(4)
    for (const word of ['one ', 'two ', 'three']) await write(word)
    tee.close()
    expect(read()).toBe('one two three')
    expect(warnings).toEqual([expect.stringContaining(`${name} grows beyond its size, for it can't be renamed: `)])
  })

  test('says once that a file takes nothing, and at the end how much is missing', async () => {
    const { warnings, open } = place()
    const { tee, write } = open(undefined, FUSSY)
    await write('one')
    expect(warnings).toHaveLength(1)
    await write('three')
    expect(warnings).toEqual([expect.stringMatching(/can't be written to \/proc.*; the command goes on$/)])
    tee.close()
    expect(warnings.slice(1)).toEqual([`8 bytes of the command's output are missing in ${FUSSY}`])
  })

  test('is refused in words where there can be no file', () => {
    const { folder, open } = place()
    expect(() => open(undefined, join(folder, 'none', 'log'))).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.stringContaining('a directory that is there') }),
    )
  })
})
