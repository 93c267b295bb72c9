import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { OutputSink } from '../../../../src/run/output/output-plan.ts'
import { Spool } from '../../../../src/run/output/spool.ts'

/** How many bytes a piece has before its own. */
const HEADER = 5

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
    const { spool, folder } = openSpool()
    expect(readdirSync(folder)).toEqual([])
    expect(readlinkSync(`/proc/self/fd/${spool.fd}`)).toMatch(folder)
  })

  test('is taken over with all that is whole in it', async () => {
    const { spool } = openSpool()
    await spool.write('stdout', Buffer.from('whole'))
    await spool.write('stderr', Buffer.from('half'))
    truncateSync(`/proc/self/fd/${spool.fd}`, 5 + 5 + 5 + 2)
    expect(await replayed(Spool.adopt(spool.fd as number))).toEqual(['stdout whole', 'stderr ha'])
  })

  test('is taken over without what is torn, or no frame of ours', async () => {
    const { spool } = openSpool()
    await spool.write('stdout', Buffer.from('whole'))
    const end = 5 + 5
    await spool.write('stderr', Buffer.from('torn'))
    for (const left of [1, 4, 5]) {
      truncateSync(`/proc/self/fd/${spool.fd}`, end + left)
      expect(await replayed(Spool.adopt(spool.fd as number))).toEqual(['stdout whole'])
    }
    writeSync(spool.fd as number, Buffer.from([7, 1, 0, 0, 0, 33]), 0, 6, end)
    expect(await replayed(Spool.adopt(spool.fd as number))).toEqual(['stdout whole'])
  })

  test('that was taken over goes on behind what is there', async () => {
    const { spool } = openSpool()
    await spool.write('stdout', Buffer.from('one'))
    await spool.write('stderr', Buffer.from('two'))
    const adopted = Spool.adopt(spool.fd as number)
    await adopted.write('stdout', Buffer.from('three'))
    expect(await replayed(adopted)).toEqual(['stdout one', 'stderr two', 'stdout three'])
  })

  test('has room for pieces of any size', async () => {
    const { spool } = openSpool()
    const text = 'x'.repeat(300_000)
    await spool.write('stderr', Buffer.from(text))
    expect(await replayed(spool)).toEqual([`stderr ${text}`])
  })

  test('is for its user alone, and is elsewhere when its folder isn’t there', () => {
    for (const TMPDIR of ['/nowhere', '']) {
      const spool = Spool.open({ TMPDIR })
      expect(fstatSync(spool.fd as number)).toMatchObject({ nlink: 0, mode: 0o100600 })
      spool.close()
      expect(() => fstatSync(spool.fd as number)).toThrow('EBADF')
    }
  })

  test('fails as who is given it', async () => {
    const { spool } = openSpool()
    await spool.write('stdout', Buffer.from('one'))
    const sink = { write: () => Promise.reject(new Error('nobody reads')) }
    await expect(spool.replay(sink, () => {})).rejects.toThrow('nobody reads')
  })

  test('keeps in memory what its file doesn’t take, behind what that has', async () => {
    const { spool } = openSpool()
    await spool.write('stdout', Buffer.from('one'))
    const readOnly = openSync(`/proc/self/fd/${spool.fd}`, 'r')
    onTestFinished(() => closeSync(readOnly))
    const full = Spool.adopt(readOnly)
    const piece = 'x'.repeat(200 * 1024)
    await full.write('stderr', Buffer.from('two'))
    expect(await replayed(full)).toEqual(['stdout one', 'stderr two'])
    await full.write('stdout', Buffer.from(piece))
    await full.write('stderr', Buffer.from(piece))
    expect(await replayed(full)).toEqual(['stdout one', `missing ${3 + piece.length}`, `stderr ${piece}`])
  })

  test('has a copy of what it keeps, for the sender may write over it', async () => {
    const spool = Spool.inMemory()
    const bytes = Buffer.from('one')
    await spool.write('stdout', bytes)
    bytes.fill('x')
    expect(await replayed(spool)).toEqual(['stdout one'])
    spool.close()
  })

  test('keeps the end in memory where no file can be made, and says what is missing', async () => {
    const spool = Spool.inMemory()
    for (let n = 0; n < 5; n++) await spool.write('stdout', Buffer.alloc(64 * 1024, `${n}`))
    const [missing, ...kept] = await replayed(spool)
    expect(missing).toBe(`missing ${64 * 1024}`)
    expect(kept.map((text) => text.slice(0, 8))).toEqual(['stdout 1', 'stdout 2', 'stdout 3', 'stdout 4'])
  })
})

describe('a spool on a disk that is full', () => {
  const FIRST_FRAME = HEADER + 'one'.length

  /**
   * One with a first piece, on a disk that has room for so many bytes, writes so many of them at once, and may break at
   * the first that it has no room for.
   */
  async function bounded({ room, atOnce = room, breaks = false }: { room: number; atOnce?: number; breaks?: boolean }) {
    const { spool } = openSpool()
    await spool.write('stdout', Buffer.from('one'))
    const fd = spool.fd as number
    const disk = { room }
    let isBroken = false
    const full = Spool.adopt(fd, async (fd, bytes, position) => {
      const at = position as number
      const taken = Math.min(bytes.length, atOnce, disk.room - at)
      if (taken <= 0 || isBroken) throw new Error('no space left on device')
      isBroken = breaks && taken < bytes.length
      return writeSync(fd, bytes, 0, taken, at)
    })
    /** What another process would find there. */
    const inFile = () => replayed(Spool.adopt(fd))
    return { full, disk, inFile }
  }

  test('has the half of a piece, and keeps the rest, and all that follows, in memory', async () => {
    const { full, disk, inFile } = await bounded({ room: FIRST_FRAME + HEADER + 'tw'.length })
    await full.write('stderr', Buffer.from('twofold'))
    // Behind what is in memory.
    disk.room = 1000
    await full.write('stdout', Buffer.from('x'))
    expect(await replayed(full)).toEqual(['stdout one', 'stderr tw', 'stderr ofold', 'stdout x'])
    expect(await inFile()).toEqual(['stdout one', 'stderr tw'])
  })

  test.each([0, 1, HEADER])('keeps a piece of which %i bytes of its head are in the file', async (bytes) => {
    const { full, inFile } = await bounded({ room: FIRST_FRAME + bytes })
    await full.write('stderr', Buffer.from('two'))
    expect(await replayed(full)).toEqual(['stdout one', 'stderr two'])
    expect(await inFile()).toEqual(['stdout one'])
  })

  test('keeps a piece whose head can’t be written anew, and gives no part of it twice', async () => {
    const { full } = await bounded({ room: FIRST_FRAME + HEADER + 'tw'.length, breaks: true })
    await full.write('stderr', Buffer.from('twofold'))
    expect(await replayed(full)).toEqual(['stdout one', 'stderr twofold'])
  })

  test('has a piece that the disk takes bit by bit', async () => {
    const { full, inFile } = await bounded({ room: 1000, atOnce: 2 })
    await full.write('stderr', Buffer.from('twofold'))
    expect(await inFile()).toEqual(['stdout one', 'stderr twofold'])
  })

  test('keeps what it says to have taken nothing of', async () => {
    const { spool } = openSpool()
    const full = Spool.adopt(spool.fd as number, async () => 0)
    await full.write('stdout', Buffer.from('one'))
    expect(await replayed(full)).toEqual(['stdout one'])
  })
})
