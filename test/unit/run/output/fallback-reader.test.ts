import { closeSync, writeSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openPipe } from '../../../../src/child/pipe.ts'
import { FallbackReader } from '../../../../src/run/output/fallback-reader.ts'
import { virtualLock } from '../../../virtual/virtual-lock.ts'

const WHILE = { timeout: 20_000 }

/** A fallback reader that alone can read from two pipes. */
async function soleReader() {
  const pipes = await Promise.all([1, 2].map(() => openPipe(virtualLock().ctx, process.env)))
  const ends = pipes.flatMap((pipe) => pipe ?? [])
  onTestFinished(() => ends.forEach(({ writeEnd }) => void closeSync(writeEnd)))
  const fds = ends.map(({ secondReadEnd }) => secondReadEnd)
  const reader = new FallbackReader(fds, { words: ['false'], environment: process.env })
  for (const { readEnd, secondReadEnd } of ends) for (const fd of [readEnd, secondReadEnd]) closeSync(fd)
  const write = (pipe: number) => writeSync(ends[pipe]?.writeEnd as number, 'x')
  return {
    reader,
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
