import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import type { Context } from '../../../src/base/context.ts'
import { probeCommand } from '../../../src/probe/command-probe.ts'
import { SILENT } from '../../virtual/silent-log.ts'

const LONG_MS = 20_000
const ctx: Context = {
  clock: systemClock,
  log: SILENT,
  signal: new AbortController().signal,
  random: Math.random,
}

describe('a command', () => {
  const run = (line: string) => probeCommand(ctx, line, process.env, LONG_MS)

  test('tells by its last line why it is not healthy, printable and short', async () => {
    expect(await run(`echo first; printf 'a\\033[31mb\\tc\\n'; exit 3`)).toMatchObject({
      healthy: false,
      why: 'it ended with 3: a [31mb c',
    })
    const { why } = await run(`head -c 1000 /dev/zero | tr '\\0' x; exit 1`)
    expect(why).toBe(`it ended with 1: ${'x'.repeat(119)}…`)
  })

  test('that writes ten megabytes has the end of it kept', async () => {
    const { healthy, output } = await run(`head -c 10000000 /dev/zero | tr '\\0' x; echo; echo end`)
    expect([healthy, output.length < 5000, output.endsWith('x\nend')]).toEqual([true, true, true])
  })

  test('that a signal kills is not healthy', async () => {
    expect(await run('kill -9 $$')).toMatchObject({ healthy: false, why: 'it ended with 137' })
  })
})
