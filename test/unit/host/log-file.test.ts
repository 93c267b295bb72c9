import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LogFile } from '../../../src/host/log-file.ts'

function place() {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const name = join(folder, 'log')
  const read = (suffix = '') => readFileSync(`${name}${suffix}`, 'utf8')
  const open = (maxBytes?: number) => {
    const file = new LogFile(name, maxBytes)
    onTestFinished(() => file.close())
    const write = async (text: string) => {
      file.makeRoomFor(text.length)
      await file.write(Buffer.from(text))
    }
    return { file, write }
  }
  return { folder, name, read, open }
}

describe('a log file', () => {
  test('is written to at its end, and is for its user alone when it is new', async () => {
    const { name, read, open } = place()
    await open().write('one\n')
    await open().write('two\n')
    expect(read()).toBe('one\ntwo\n')
    expect(statSync(name).mode & 0o777).toBe(0o600)
  })

  test('is begun anew before it grows too large, with the same mode, and five old ones are kept', async () => {
    const { folder, name, read, open } = place()
    writeFileSync(name, '')
    chmodSync(name, 0o640)
    const { write } = open(4)
    for (let n = 0; n < 8; n++) await write(`no ${n}`)
    expect(readdirSync(folder).sort()).toEqual(['log', 'log.1', 'log.2', 'log.3', 'log.4', 'log.5'])
    expect([read(), read('.1'), read('.5')]).toEqual(['no 7', 'no 6', 'no 2'])
    expect(statSync(name).mode & 0o777).toBe(0o640)
  })

  test('takes what is larger than it may grow, when it is empty', async () => {
    const { folder, read, open } = place()
    await open(4).write('larger')
    expect(read()).toBe('larger')
    expect(readdirSync(folder)).toEqual(['log'])
  })

  test('is followed when another one renames it, and by two that write to it', async () => {
    const { name, read, open } = place()
    const [one, other] = [open(10), open(10)]
    await one.write('one\n')
    await other.write('other\n')
    await one.write('one\n')
    expect([read(), read('.1')]).toEqual(['one\n', 'one\nother\n'])
    renameSync(name, `${name}.old`)
    await other.write('new\n')
    expect(read()).toBe('new\n')
  })

  test('is no folder, no device, and not the same as another file', () => {
    const { folder, name, open } = place()
    mkdirSync(join(folder, 'dir'))
    symlinkSync('dir', name)
    expect(() => open()).toThrow('is a directory')
    rmSync(name)
    symlinkSync('/dev/null', name)
    expect(() => open()).toThrow('is no file')
    rmSync(name)
    writeFileSync(join(folder, 'other'), '')
    linkSync(join(folder, 'other'), name)
    expect(() => open()).toThrow('is the same as another file')
  })

  test('may be a link of our own', async () => {
    const { folder, name, open } = place()
    symlinkSync(join(folder, 'there'), name)
    await open().write('text')
    expect(readFileSync(join(folder, 'there'), 'utf8')).toBe('text')
  })
})
