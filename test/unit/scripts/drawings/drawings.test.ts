import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FAILOVER, LEADER_TIMES } from '../../../../scripts/drawings/failover-lanes.ts'
import { lanesSvg } from '../../../../scripts/drawings/lanes.ts'
import { QUEUE } from '../../../../scripts/drawings/queue-lanes.ts'
import { withoutPlace } from '../../../../scripts/drawings/terminal.ts'
import { terminalSvg } from '../../../../scripts/drawings/terminal-svg.ts'
import { parseLeaderFile } from '../../../../src/leader/leader-file.ts'
import { leaderTiming } from '../../../../src/leader/leader-timing.ts'

const PICTURES = join(import.meta.dirname, '../../../../docs/pictures')

test.each([
  ['queue.svg', QUEUE],
  ['failover.svg', FAILOVER],
])('%s is as the script draws it', (file, lanes) => {
  expect(readFileSync(join(PICTURES, file), 'utf8')).toBe(lanesSvg(lanes))
})

test('the failover has the times of a leader with default timeouts', () => {
  const file = parseLeaderFile('a.yaml', 'name: redis\nport: 6379\napplication: redis\n')
  const { ttlMs, graceMs, lockDelayMs } = leaderTiming('a.yaml', file)
  // What docs and pictures say of the lock-delay is rounded.
  const seconds = { ttl: ttlMs / 1000, grace: graceMs / 1000, lockDelay: Math.round(lockDelayMs / 1000) }
  expect(LEADER_TIMES).toEqual(seconds)
})

test('the line of four never has two commands run at once, and a woken one starts when the one before has ended', () => {
  const runs = QUEUE.lanes.map(({ stretches }) => stretches.filter(([kind]) => kind === 'runs'))
  expect(runs.map(({ length }) => length)).toEqual([1, 1, 1, 1])
  const [first, ...others] = runs.flat()
  let ended = first?.[2] ?? 0
  for (const [, from, to] of others) {
    expect(from).toBeGreaterThan(ended)
    ended = to
  }
})

const ESC = '\x1b'

test('a terminal has colours, breaks long lines, and takes text as text', () => {
  const svg = terminalSvg('A <title>', 'ls & wc', `${ESC}[36mweb1 |${ESC}[39m <b>\n${'x'.repeat(101)}\n`)
  expect(svg).toContain('<tspan class="cyan">web1 |</tspan> &lt;b&gt;</text>')
  expect(svg).toContain(`>${'x'.repeat(100)}</text>`)
  expect(svg).toContain('>x</text>')
  expect(svg).toContain('<title id="title">A &lt;title&gt;</title>')
  expect(svg).toContain('$ ls &amp; wc')
  expect(svg).not.toContain(ESC)
})

test('a recorded session tells nothing of the machine', () => {
  const text =
    'http://127.0.0.1:40849 held by build7 (pid 23402, a) held by build7 (pid 99, a) held by build7 (pid 23402, b)'
  expect(withoutPlace(text, 'build7')).toBe(
    'http://127.0.0.1:8500 held by host (pid 812, a) held by host (pid 813, a) held by host (pid 812, b)',
  )
})
