import { afterEach, describe, expect, test } from 'vitest'
import { LineStamper, timeStamp } from '../../../../src/run/output/line-stamper.ts'

function stampedText(...chunks: string[]): string {
  const stamper = new LineStamper()
  return chunks.map((chunk, n) => stamper.stamped(Buffer.from(chunk, 'latin1'), `${n}`).toString('latin1')).join('')
}

describe('a stamp stands', () => {
  test.each([
    [['a\nb\n'], '0 a\n0 b\n'],
    [['a', 'b\n', 'c'], '0 ab\n2 c'],
    [['a\n', 'b'], '0 a\n1 b'],
    [['\n\n'], '0 \n0 \n'],
    [['Continue? ', 'y\n'], '0 Continue? y\n'],
    [['10 %\r20 %\r\n'], '0 10 %\r20 %\r\n'],
    [['\0\xff\n\x80'], '0 \0\xff\n0 \x80'],
    [['', 'a'], '1 a'],
  ])('of %j as in %j', (chunks, text) => expect(stampedText(...chunks)).toBe(text))
})

describe('a time', () => {
  const before = process.env.TZ
  afterEach(() => {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  })

  test.each([
    ['UTC', '2026-11-29T07:32:25.123+00:00'],
    ['Europe/Berlin', '2026-11-29T08:32:25.123+01:00'],
    ['Asia/Kolkata', '2026-11-29T13:02:25.123+05:30'],
    ['America/St_Johns', '2026-11-29T04:02:25.123-03:30'],
  ])('in %s is %s', (zone, text) => {
    process.env.TZ = zone
    expect(timeStamp(Date.UTC(2026, 10, 29, 7, 32, 25, 123))).toBe(text)
  })
})
