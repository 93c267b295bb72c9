import { closeSync, writeSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openPipe } from '../../../../src/child/pipe.ts'
import type { OutputSink } from '../../../../src/run/output/output-plan.ts'
import { Pump } from '../../../../src/run/output/pump.ts'
import { virtualLock } from '../../../virtual/virtual-lock.ts'

const MIB = 1024 * 1024

/** A pump behind a real pipe, and what comes out of it. */
async function pumped(take: (bytes: Buffer) => Promise<void> | void = () => {}) {
  const pipe = await openPipe(virtualLock().ctx, process.env)
  if (!pipe) throw new Error('there is no pipe')
  closeSync(pipe.secondReadEnd)
  const leaving = new AbortController()
  const heard: string[] = []
  const sink: OutputSink = {
    async write(stream, bytes) {
      heard.push(`${stream} ${bytes.toString('latin1')}`)
      await take(bytes)
    },
  }
  let isOpen = true
  const close = () => {
    if (isOpen) closeSync(pipe.writeEnd)
    isOpen = false
  }
  onTestFinished(close)
  const pump = new Pump(pipe.readEnd, 'stderr')
  return {
    heard,
    close,
    write: (bytes: string | Buffer) => writeSync(pipe.writeEnd, Buffer.from(bytes)),
    leave: () => leaving.abort(),
    end: () => pump.run(sink, leaving.signal),
  }
}

describe('a pump', () => {
  test('carries all that comes, until nobody can write any more', async () => {
    const came = Promise.withResolvers<void>()
    const { heard, write, close, end } = await pumped(() => came.resolve())
    write('one ')
    const ended = end()
    await came.promise
    write('two')
    close()
    expect(await ended).toBe(true)
    expect(heard.join('')).toBe('stderr one stderr two')
  })

  test('takes no more while its sink has no room', async () => {
    const came = Promise.withResolvers<void>()
    const room = Promise.withResolvers<void>()
    const { heard, write, close, end } = await pumped(() => {
      came.resolve()
      return room.promise
    })
    write('one')
    const ended = end()
    await came.promise
    write('two')
    close()
    await new Promise(setImmediate)
    expect(heard).toEqual(['stderr one'])
    room.resolve()
    expect(await ended).toBe(true)
    expect(heard).toEqual(['stderr one', 'stderr two'])
  })

  test('that is to leave takes what is there, and tells that somebody may still write', async () => {
    const { heard, write, leave, end } = await pumped()
    write('so far')
    leave()
    expect(await end()).toBe(false)
    expect(heard).toEqual(['stderr so far'])
  })

  test('that is told to leave while it waits goes at once', async () => {
    const came = Promise.withResolvers<void>()
    const { heard, write, leave, end } = await pumped(() => came.resolve())
    write('so far')
    const ended = end()
    await came.promise
    await new Promise(setImmediate)
    leave()
    expect(await ended).toBe(false)
    expect(heard).toEqual(['stderr so far'])
  })

  test('that leaves tells that nobody can write any more, if so', async () => {
    const { heard, write, close, leave, end } = await pumped()
    write('all')
    close()
    leave()
    expect(await end()).toBe(true)
    expect(heard).toEqual(['stderr all'])
  })

  test('that leaves is not kept by who writes without end', async () => {
    let bytes = 0
    const { write, leave, end } = await pumped((taken) => {
      bytes += taken.length
      write(Buffer.alloc(32 * 1024))
    })
    write(Buffer.alloc(32 * 1024))
    leave()
    expect(await end()).toBe(false)
    expect(bytes).toBe(MIB)
  })

  test('fails as its sink does, and the writer notices', async () => {
    const { write, end } = await pumped(() => Promise.reject(new Error('nobody reads')))
    write('one')
    await expect(end()).rejects.toThrow('nobody reads')
    await new Promise(setImmediate)
    expect(() => write('two')).toThrow('EPIPE')
  })
})
