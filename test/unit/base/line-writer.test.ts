import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { allWritten, LineWriter } from '../../../src/base/line-writer.ts'
import { scratch } from '../../kit/unique.ts'

const { O_RDWR, O_NONBLOCK } = constants

const gap = (lines: number) => `${lines} missing\n`

/** A pipe that takes nothing more; `read` gives what is in it, and makes room. */
function fullPipe(): { fd: number; read: () => string } {
  const path = join(scratch(), 'fifo')
  execFileSync('mkfifo', [path])
  const [fd, hand] = [openSync(path, 'r+'), openSync(path, O_RDWR | O_NONBLOCK)]
  onTestFinished(() => {
    for (const one of [fd, hand]) closeSync(one)
  })
  try {
    for (;;) writeSync(hand, '.'.repeat(4096))
  } catch {}
  const buffer = Buffer.alloc(1024 * 1024)
  return { fd, read: () => buffer.toString('utf8', 0, readSync(hand, buffer)).replace(/^\.+/, '') }
}

/** All that a pipe gives until a speech is over. */
async function heard(read: () => string): Promise<string> {
  let text = ''
  let isOver = false
  const over = allWritten().then(() => {
    isOver = true
  })
  while (!isOver) {
    try {
      text += read()
    } catch {
      await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 1))])
    }
  }
  try {
    text += read()
  } catch {}
  return text
}

test('a speech waits for its reader, in order', async () => {
  const { fd, read } = fullPipe()
  const speech = new LineWriter(fd)
  for (const line of ['one\n', 'two\n', 'three\n']) speech.write(line, gap)
  expect(await heard(read)).toBe('one\ntwo\nthree\n')
})

test('a speech keeps so much for a reader that comes late, and says how much is missing behind it', async () => {
  const { fd, read } = fullPipe()
  const speech = new LineWriter(fd)
  const line = `${'x'.repeat(1023)}\n`
  for (let lines = 0; lines < 300; lines++) speech.write(line, gap)
  const text = await heard(read)
  expect(text).toBe(`${line.repeat(257)}43 missing\n`)
  speech.write('again\n', gap)
  expect(read()).toBe('again\n')
})

test('a speech to a reader that has gone is over at once', async () => {
  const path = join(scratch(), 'fifo')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, O_RDWR)
  const fd = openSync(path, 'w')
  closeSync(reader)
  new LineWriter(fd).write('anybody?\n', gap)
  await allWritten()
  closeSync(fd)
})
