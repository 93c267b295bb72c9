import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { OutputSink } from '../../../../src/run/output/output-plan.ts'
import { Spool } from '../../../../src/run/output/spool.ts'

function openSpool() {
  const folder = mkdtempSync(join(tmpdir(), 'spool-'))
  const spool = Spool.open({ TMPDIR: folder })
  onTestFinished(() => {
    spool.close()
    rmSync(folder, { recursive: true })
  })
  return { spool, folder }
}

/** All that a spool gives back, and the bytes that it misses where it misses them. */
async function replayed(spool: Spool): Promise<string[]> {
  const heard: string[] = []
  const sink: OutputSink = {
    write: async (stream, bytes) => void heard.push(`${stream} ${bytes.toString('latin1')}`),
  }
  await spool.replay(sink, (bytes) => void heard.push(`missing ${bytes}`))
  return heard
}

describe('a spool', () => {
  test('gives back all that it got, in order, byte for byte', async () => {
    const { spool } = openSpool()
    for (const [stream, text] of [
      ['stdout', 'a\n'],
      ['stderr', '\0\xff'],
      ['stdout', 'b'],
    ] as const) {
      spool.write(stream, Buffer.from(text, 'latin1'))
    }
    const all = ['stdout a\n', 'stderr \0\xff', 'stdout b']
    expect(await replayed(spool)).toEqual(all)
    expect(await replayed(spool)).toEqual(all)
  })

  test('has no name', () => {
    const { folder } = openSpool()
    expect(readdirSync(folder)).toEqual([])
  })

  test('is taken over with all that is whole in it', async () => {
    const { spool } = openSpool()
    await spool.write('stdout', Buffer.from('whole'))
    await spool.write('stderr', Buffer.from('half'))
    truncateSync(`/proc/self/fd/${spool.fd}`, 5 + 5 + 5 + 2)
    expect(await replayed(Spool.adopt(spool.fd as number))).toEqual(['stdout whole', 'stderr ha'])
  })

  test('keeps the end in memory where no file can be made, and says what is missing', async () => {
    const spool = Spool.inMemory()
    for (let n = 0; n < 5; n++) await spool.write('stdout', Buffer.alloc(64 * 1024, `${n}`))
    const [missing, ...kept] = await replayed(spool)
    expect(missing).toBe(`missing ${64 * 1024}`)
    expect(kept.map((text) => text.slice(0, 8))).toEqual(['stdout 1', 'stdout 2', 'stdout 3', 'stdout 4'])
  })
})
