import { closeSync, readFileSync, writeSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openPipe, systemPath } from '../../../../src/child/pipe.ts'
import { FallbackReader } from '../../../../src/run/output/fallback-reader.ts'
import { processesWith } from '../../../kit/processes.ts'
import { virtualLock } from '../../../virtual/virtual-lock.ts'

const WHILE = { timeout: 20_000 }

/** A fallback reader that alone can read from two pipes. */
async function soleReader() {
  const pipes = await Promise.all([1, 2].map(() => openPipe(virtualLock().ctx, process.env)))
  const ends = pipes.flatMap((pipe) => pipe ?? [])
  onTestFinished(() => ends.forEach(({ writeEnd }) => void closeSync(writeEnd)))
  const fds = ends.map(({ secondReadEnd }) => secondReadEnd)
  const mark = `FALLBACK_READER_TEST=${Math.random()}`
  const [name, value] = mark.split('=') as [string, string]
  const reader = new FallbackReader(fds, { words: ['false'], environment: { ...process.env, [name]: value } })
  for (const { readEnd, secondReadEnd } of ends) for (const fd of [readEnd, secondReadEnd]) closeSync(fd)
  const write = (pipe: number) => writeSync(ends[pipe]?.writeEnd as number, 'x')
  return {
    reader,
    /** The shell, as soon as it is one. */
    shell: () => vi.waitUntil(() => processesWith(mark)[0], WHILE),
    write,
    isShut: (pipe: number) => vi.waitFor(() => expect(() => write(pipe)).toThrow('EPIPE'), WHILE),
  }
}

describe('who reads the command’s output when we no longer do', () => {
  test('has all of it', async () => {
    const { reader, write } = await soleReader()
    for (const pipe of [0, 1]) expect(write(pipe)).toBe(1)
    reader.leave([])
  })

  test('isn’t hurt by what ends us, nor taken for a process of the command’s', async () => {
    const { reader, shell } = await soleReader()
    const pid = await shell()
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    expect([group, session]).toEqual([`${pid}`, `${pid}`])
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    expect(environment).toEqual(
      expect.arrayContaining(['CONSUL_LOCKER_BESIDE=1', `PATH=${systemPath(process.env).PATH}`]),
    )
    reader.leave([])
  })

  test('shuts the stream that nobody reads any more, and no other', async () => {
    const { reader, write, isShut } = await soleReader()
    reader.shut(1)
    await isShut(1)
    expect(write(0)).toBe(1)
    reader.leave([])
  })

  test('is gone when nothing is left to read', async () => {
    const { reader, isShut } = await soleReader()
    reader.leave([])
    await isShut(0)
    await isShut(1)
  })

  test('drops what a daemon still writes', async () => {
    const { reader, write } = await soleReader()
    reader.leave([1])
    // More than a pipe holds.
    for (let n = 0; n < 100_000; n++) expect(write(1)).toBe(1)
  })
})
