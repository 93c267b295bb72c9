import { describe, expect, test } from 'vitest'
import { type Metric, prometheusText } from '../../../src/base/prometheus.ts'

const GAUGE: Metric = { name: 'locks', type: 'gauge', help: 'Locks', samples: [{ value: 1 }] }

describe('what Prometheus reads', () => {
  test('names what is measured, says what it is, and gives each value a line', () => {
    const samples = [{ labels: { role: 'db', host: 'n1' }, value: 2 }, { value: 0.25 }]
    expect(
      prometheusText([
        { ...GAUGE, samples },
        { ...GAUGE, name: 'lost_total', type: 'counter' },
      ]),
    ).toBe(
      [
        '# HELP locks Locks',
        '# TYPE locks gauge',
        'locks{role="db",host="n1"} 2',
        'locks 0.25',
        '# HELP lost_total Locks',
        '# TYPE lost_total counter',
        'lost_total 1',
        '',
      ].join('\n'),
    )
  })

  test.each([
    ['a quote', 'say "when"', 'say \\"when\\"'],
    ['a backslash', 'C:\\new', 'C:\\\\new'],
    ['a line break', 'one\ntwo', 'one\\ntwo'],
    ['a backslash before a quote', '\\"', '\\\\\\"'],
    ['braces and commas', '{a="b",}', '{a=\\"b\\",}'],
    ['other scripts', 'Zürich 東京', 'Zürich 東京'],
    ['nothing', '', ''],
  ])('keeps %s in a label', (_, value, written) => {
    const text = prometheusText([{ ...GAUGE, samples: [{ labels: { name: value }, value: 1 }] }])
    expect(text.split('\n')).toEqual([expect.anything(), expect.anything(), `locks{name="${written}"} 1`, ''])
  })

  test('keeps a help of several lines on one', () => {
    expect(prometheusText([{ ...GAUGE, help: 'a "b"\n\\c', samples: [] }])).toContain('# HELP locks a "b"\\n\\\\c\n')
  })

  test.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [1e21, '1e+21'],
    [-0.5, '-0.5'],
  ])('writes %d as Go reads it', (value, written) => {
    expect(prometheusText([{ ...GAUGE, samples: [{ value }] }])).toContain(`locks ${written}\n`)
  })

  test.each([['with space'], ['9th'], ['naïve'], ['']])('has no metric named %j', (name) => {
    expect(() => prometheusText([{ ...GAUGE, name }])).toThrow()
  })

  test.each([['le:ss'], ['__name__'], ['']])('has no label named %j', (name) => {
    expect(() => prometheusText([{ ...GAUGE, samples: [{ labels: { [name]: '' }, value: 1 }] }])).toThrow()
  })
})
