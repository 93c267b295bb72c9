import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openPipe } from '../../../../src/child/pipe.ts'
import { OutputPath } from '../../../../src/run/output/output-path.ts'
import type { OutputPlan } from '../../../../src/run/output/output-plan.ts'
import { Spool } from '../../../../src/run/output/spool.ts'
import { SILENT } from '../../../virtual/silent-log.ts'
import { virtualLock } from '../../../virtual/virtual-lock.ts'

const PLAIN: OutputPlan = { quietUnlessFail: false, timestamps: false }
/** As a stamp has it, in any zone. */
const STAMP = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d`

/** A place for files that stand for our own streams, and for others. */
function place() {
  const folder = mkdtempSync(join(tmpdir(), 'output-'))
  const own = { stdout: openSync(join(folder, 'stdout'), 'w'), stderr: openSync(join(folder, 'stderr'), 'w') }
  const full = openSync('/dev/full', 'w')
  onTestFinished(() => {
    for (const fd of [own.stdout, own.stderr, full]) closeSync(fd)
    rmSync(folder, { recursive: true })
  })
  const warnings: string[] = []
  const ctx = { ...virtualLock().ctx, log: { ...SILENT, warn: (line: string) => void warnings.push(line) } }
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  return {
    folder,
    own,
    full,
    ctx,
    warnings,
    read,
    shown: () => [read('stdout'), read('stderr')],
    open: (about: Partial<OutputPlan> = {}, spool?: Spool, fds = own) =>
      new OutputPath(ctx, { ...PLAIN, ...about }, spool, undefined, fds),
  }
}

describe('the output of a command', () => {
  test('goes where ours goes, each stream on its own', async () => {
    const { open, shown } = place()
    const path = open()
    await path.write('stdout', Buffer.from('out'))
    await path.write('stderr', Buffer.from('err'))
    path.close()
    expect(shown()).toEqual(['out', 'err'])
  })

  test('is stamped, line by line, on each stream', async () => {
    const { open, shown } = place()
    const path = open({ timestamps: true })
    await path.write('stdout', Buffer.from('one\ntwo'))
    await path.write('stderr', Buffer.from('three\n'))
    await path.write('stdout', Buffer.from(' and so on\n'))
    path.close()
    expect(shown()).toEqual([
      expect.stringMatching(new RegExp(`^${STAMP} one\n${STAMP} two and so on\n$`)),
      expect.stringMatching(new RegExp(`^${STAMP} three\n$`)),
    ])
  })

  test('is in a file, too, whether it is shown or not', async () => {
    const { folder, open, read, shown } = place()
    const path = open({ tee: { file: join(folder, 'log') } }, Spool.inMemory())
    await path.write('stdout', Buffer.from('one\n'))
    await path.write('stderr', Buffer.from('two\n'))
    path.close()
    expect(read('log')).toBe('one\ntwo\n')
    expect(shown()).toEqual(['', ''])
  })

  test('is in a file that is begun anew at its size', async () => {
    const { folder, open, read } = place()
    const path = open({ tee: { file: join(folder, 'log'), maxBytes: 4 } })
    for (const word of ['one ', 'two ']) await path.write('stdout', Buffer.from(word))
    path.close()
    expect([read('log'), read('log.1')]).toEqual(['two ', 'one '])
  })

  test('is held back until it is shown, and what comes then isn’t', async () => {
    const { open, shown } = place()
    const path = open({}, Spool.inMemory())
    await path.write('stdout', Buffer.from('held '))
    expect(shown()).toEqual(['', ''])
    await path.show()
    await path.write('stdout', Buffer.from('free'))
    await path.show()
    path.close()
    expect(shown()).toEqual(['held free', ''])
  })

  test('that there was no room to hold back is missed in words', async () => {
    const { open, warnings, read } = place()
    const path = open({}, Spool.inMemory())
    for (const letter of 'ab') await path.write('stdout', Buffer.alloc(200 * 1024, letter))
    await path.show()
    path.close()
    expect(warnings).toEqual([expect.stringMatching(/^204800 bytes .* are missing here/)])
    expect(read('stdout')).toBe('b'.repeat(200 * 1024))
  })

  test('is heard by a listener, to its end', async () => {
    const { ctx, own } = place()
    const heard: string[] = []
    const listener = {
      write: async (stream: string, bytes: Buffer) => void heard.push(`${stream} ${bytes}`),
      close: () => void heard.push('end'),
    }
    const path = new OutputPath(ctx, PLAIN, Spool.inMemory(), listener, own)
    await path.write('stderr', Buffer.from('one'))
    path.close()
    expect(heard).toEqual(['stderr one', 'end'])
    const deaf = new OutputPath(ctx, PLAIN, Spool.inMemory(), { write: listener.write }, own)
    expect(() => deaf.close()).not.toThrow()
  })

  test('that a full disk doesn’t take is dropped, with one warning', async () => {
    const { own, full, open, warnings, shown } = place()
    const path = open({}, undefined, { ...own, stdout: full })
    await path.write('stdout', Buffer.from('one'))
    expect(warnings).toHaveLength(1)
    await path.write('stdout', Buffer.from('two'))
    await path.write('stderr', Buffer.from('three'))
    path.close()
    expect(warnings).toEqual([expect.stringContaining("the command's output can't be written: ")])
    expect(shown()).toEqual(['', 'three'])
  })

  test('that nobody reads any more is refused', async () => {
    const { ctx, own, open, warnings } = place()
    const pipe = await openPipe(ctx, process.env)
    if (!pipe) throw new Error('there is no pipe')
    for (const end of [pipe.readEnd, pipe.secondReadEnd]) closeSync(end)
    onTestFinished(() => closeSync(pipe.writeEnd))
    const path = open({}, undefined, { ...own, stdout: pipe.writeEnd })
    await expect(path.write('stdout', Buffer.from('one'))).rejects.toMatchObject({ code: 'EPIPE' })
    path.close()
    expect(warnings).toEqual([])
  })
})
