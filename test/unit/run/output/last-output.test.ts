import { describe, expect, test } from 'vitest'
import { AbortReason } from '../../../../src/base/abort.ts'
import type { Context } from '../../../../src/base/context.ts'
import { LastOutput } from '../../../../src/run/output/last-output.ts'
import { SILENT } from '../../../virtual/silent-log.ts'
import { VirtualClock } from '../../../virtual/virtual-clock.ts'

function lab(bytes: number) {
  const clock = new VirtualClock()
  const leaving = new AbortController()
  const ctx: Context = { clock, log: SILENT, signal: leaving.signal, random: () => 0.5 }
  const last = new LastOutput(bytes)
  return {
    clock,
    leaving,
    last,
    text: () => last.text(ctx),
    say: (text: string) => last.write('stdout', Buffer.from(text)),
  }
}

describe('of the last output', () => {
  test.each([
    [['short'], 'short'],
    [['one ', 'two ', 'three'], 'wo three'],
    [['much more than that'], 'han that'],
    [[], ''],
    [['grüße: ßß'], 'e: ßß'],
    [['€€€'], '€€'],
    [['ab', '😀😀'], '😀😀'],
    [['x😀😀y'], '😀y'],
  ])('%j as much is kept as there is room for, in whole characters', async (pieces, text) => {
    const { clock, last, say, text: kept } = lab(8)
    for (const piece of pieces) await say(piece)
    last.close()
    expect(await clock.run(kept())).toBe(text)
    expect(clock.nowMs).toBe(0)
  })

  test('both streams are heard', async () => {
    const { clock, last, text } = lab(8)
    await last.write('stdout', Buffer.from('out '))
    await last.write('stderr', Buffer.from('err'))
    last.close()
    expect(await clock.run(text())).toBe('out err')
  })

  test('what is no text is told all the same', async () => {
    const { clock, last, text } = lab(8)
    await last.write('stdout', Buffer.alloc(8, 0x80))
    last.close()
    expect(await clock.run(text())).toBe('\ufffd'.repeat(8))
  })
})

test('the end of the output is waited for, and not for long', async () => {
  const { clock, say, text } = lab(8)
  await say('so far')
  const heard = text()
  await clock.advance(1000)
  await say('!')
  expect(await clock.run(heard)).toBe('so far!')
  expect(clock.nowMs).toBe(2000)
})

test('who waits for the end may be called off', async () => {
  const { clock, leaving, text } = lab(8)
  const heard = text()
  const reason = new AbortReason('a signal came')
  leaving.abort(reason)
  await expect(clock.run(heard)).rejects.toBe(reason)
})
