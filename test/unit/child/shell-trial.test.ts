import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { shellWorks } from '../../../src/child/shell-trial.ts'
import { kill, runs } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'
import { SILENT } from '../../virtual/silent-log.ts'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

/** A trial of a shell that is a script in a folder of its own; of the machine's without one. */
function tried(script?: string) {
  const folder = scratch()
  const sh = join(folder, 'sh')
  if (script !== undefined) writeFileSync(sh, `#!/bin/sh\ncd ${folder}\n${script}\n`, { mode: 0o755 })
  const clock = new VirtualClock()
  const leaving = new AbortController()
  const ctx = { clock, log: SILENT, signal: leaving.signal, random: () => 0 }
  const works = script === undefined ? shellWorks(ctx) : shellWorks(ctx, sh)
  const note = (name: string) => readFileSync(join(folder, name), 'utf8').trim()
  /** Its process, as soon as it hangs. */
  const hangs = async () => {
    await expect.poll(() => existsSync(join(folder, 'pid'))).toBe(true)
    const pid = Number(note('pid'))
    onTestFinished(() => kill(pid))
    return pid
  }
  return { clock, leaving, works, note, hangs }
}

const HANGS = 'echo $$ >pid.new; mv pid.new pid; while :; do sleep 0.02; done'

describe('a shell works', () => {
  test('as this machine’s does', async () => {
    const { works, clock } = tried()
    expect(await works).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('if it does what it is told, without an environment', async () => {
    const { works, note } = tried('env >env; exec /bin/sh "$@"')
    expect(await works).toBe(true)
    expect(note('env')).not.toMatch(/^HOME=|^VITEST/m)
  })
})

describe('a shell doesn’t work', () => {
  test.each([
    ['succeeds all the same', 'exit 0'],
    ['fails otherwise', 'exit 1'],
    ['is killed', 'kill -s KILL $$'],
  ])('that %s', async (_, script) => {
    const { works, clock } = tried(script)
    expect(await works).toBe(false)
    expect(clock.pending).toBe(0)
  })

  test('that isn’t there', async () => {
    const ctx = { clock: new VirtualClock(), log: SILENT, signal: new AbortController().signal, random: () => 0 }
    expect(await shellWorks(ctx, '/nowhere/sh')).toBe(false)
  })

  test('that hangs for five seconds, and is killed then', async () => {
    const { works, clock, hangs } = tried(HANGS)
    const pid = await hangs()
    await clock.advance(4999)
    expect(runs(pid)).toBe(true)
    await clock.advance(1)
    expect(await works).toBe(false)
    await expect.poll(() => runs(pid)).toBe(false)
  })
})

test('a trial that is of no use any more ends, and its shell with it', async () => {
  const { works, leaving, hangs } = tried(HANGS)
  const pid = await hangs()
  leaving.abort(new Error('we leave'))
  await expect(works).rejects.toThrow('we leave')
  await expect.poll(() => runs(pid)).toBe(false)
})
