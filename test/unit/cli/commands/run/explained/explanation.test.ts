import { describe, expect, test } from 'vitest'
import type { Context } from '../../../../../../src/base/context.ts'
import { Failure } from '../../../../../../src/base/failure.ts'
import { explanationLines, explanationOf } from '../../../../../../src/cli/commands/run/explained/explanation.ts'
import { timelineSvg } from '../../../../../../src/cli/commands/run/explained/timeline-svg.ts'
import { RUN_SYNTAX } from '../../../../../../src/cli/commands/run/syntax.ts'
import { unstartedRun } from '../../../../../../src/cli/commands/run/unstarted-run.ts'
import { parse } from '../../../../../../src/cli/syntax/parse.ts'
import { DRIFT, MARGIN_MS } from '../../../../../../src/lock/lease-timing.ts'
import { Dice } from '../../../../../virtual/dice.ts'
import { SILENT } from '../../../../../virtual/silent-log.ts'
import { VirtualClock } from '../../../../../virtual/virtual-clock.ts'

const CTX: Context = {
  clock: new VirtualClock(),
  log: SILENT,
  signal: new AbortController().signal,
  random: () => 0.5,
}

function explained(...words: string[]) {
  const parsed = parse(RUN_SYNTAX, [...words, 'backup', 'true'], {})
  return explanationOf(unstartedRun(CTX, parsed, {}), parsed.options, 'backup')
}

const linesOf = (...words: string[]) => explanationLines(explained(...words))

/** What is said of the cases that begin so. */
function said(beginning: string, ...words: string[]): string {
  const found = explained(...words).cases.find(({ when }) => when.startsWith(beginning))
  if (!found) throw new Error(`nothing is said of ${beginning}`)
  return found.happens
}

describe('what is explained', () => {
  test('is drawn to scale, with every instant by its letter', () => {
    expect(linesOf().slice(0, 18).join('\n')).toBe(`\
What a run of backup promises, from the sending of the last renewal that Consul
answers:
TTL 15s, renewed every 10s, grace 5s, lock-delay 24s

                    A          B    C     D   E      F                         G
command             ################~~~~~~
session destroyed   --------------------------
session expires     =================================--------------------------
                    # runs   ~ told to end   = lives   - closed (lock-delay)

A   0s  the last renewal that Consul answers is sent
B  10s  the next one gets no answer: trouble begins; again at 14s
C  15s  deadline: TERM to the command and all that it has started
D  20s  KILL: nothing of it is left
E  24s  earliest next holder of the lock, if the session was destroyed right
        after A
F  30s  Consul lets the session expire, if nothing else ended it
G  54s  earliest next holder of the lock after that`)
  })

  test('is in order of time, and each letter has a column, where instants fall together', () => {
    const options = ['--ttl', '10', '--kill-after', '0', '--lock-delay', '60', '--renew', '1', '--on-lost', 'USR1']
    expect(
      linesOf(...options)
        .slice(2, 18)
        .join('\n'),
    ).toBe(`\
TTL 10s, renewed every 1s, grace 0ms, lock-delay 1m

                    AB     CD      E                            F              G
command             #######
session destroyed   --------------------------------------------
session expires     ===============--------------------------------------------
                    # runs   ~ told to end   = lives   - closed (lock-delay)

A     0s  the last renewal that Consul answers is sent
B     1s  the next one gets no answer: trouble begins; again every 4s
C    10s  deadline: USR1 to the command and all that it has started
D    10s  KILL: nothing of it is left
E    20s  Consul lets the session expire, if nothing else ended it
F     1m  earliest next holder of the lock, if the session was destroyed right
          after A
G  1m20s  earliest next holder of the lock after that`)
  })

  test.each<[string[], beginning: string, words: string]>([
    [['--kill-after', '1'], 'the key is deleted', 'TERM at once, KILL 1s later'],
    [[], 'the key is deleted', 'KILL 2s later'],
    [[], 'the machine dies', 'for 24s from then nobody else has the lock'],
    [[], 'the runner is killed', 'TERM at once, KILL 5s later. Then it gives the lock back'],
    [['--no-guardian'], 'the runner is killed', 'from 54s on somebody else may have the lock while'],
    [['--no-guardian', '-s'], 'the runner hangs', 'from 54s on a writer may have the lock while'],
    [['--slots', '3'], 'others run, too', '3 at a time'],
    [['--slots', '3'], 'the machine dies', 'nobody else has the slot'],
    [['--also', 'a', '--also', 'b'], 'one of the locks is lost', 'all 3 or none'],
    [['-n'], "the lock isn't free", 'at once, with exit code 1 (--no-wait)'],
    [['-w', '90', '-E', '75'], "the lock isn't free", 'After 1m30s it gives up, with exit code 75'],
    [[], "the lock isn't free", 'for as long as it takes'],
    [['--once-per', '50m', '--skip-code', '9'], 'an earlier run started less than 50m ago', 'with exit code 9'],
    [
      ['--slot', '%F', '--on-success', '--min-interval', '5m'],
      'a run that succeeded started in the same slot "%F", UTC (--slot), or ended less than 5m ago',
      'with exit code 0',
    ],
    [['--gate', 'tcp:db:1'], 'the gate is shut', "doesn't contend"],
    [['--require-healthy=web'], 'this node, or its web, is critical', 'leaves the line'],
    [['--on-acquire', 'true'], '--on-acquire fails, or takes longer than 30s', 'exit code 8'],
    [
      ['--max-runtime', '1h', '--timeout-signal', 'INT'],
      'the command runs for 1h',
      'INT, KILL 5s later, exit code 124',
    ],
    [['--release-when', 'tcp:db:1'], 'the command ends', 'until --release-when holds; after 10m in vain'],
    [['--release-when', 'tcp:db:1', '--settle', '9'], 'the command ends', 'has held for 9s; after 10m in vain'],
    [['--settle', '9'], 'the command ends', 'kept for 9s more'],
    [['--hold-at-least', '1m', '--wait-group'], 'the command ends', 'kept for 1m in all'],
  ])('with %j, if %s: %s', (options, beginning, words) => {
    expect(said(beginning, ...options).toLowerCase()).toContain(words.toLowerCase())
  })

  test('says nothing of what was not asked for', () => {
    const all = linesOf().join('\n')
    expect(all).not.toMatch(/--[a-z]|slot|writer|undefined|NaN/)
  })
})

/** Options that a user may come upon, sensible ones and others. */
function anyOptions(dice: Dice): string[] {
  const given = (name: string, least: number, most: number) =>
    dice.chance(0.6) ? [`--${name}`, `${dice.whole(least, most)}ms`] : []
  return [
    ...given('ttl', 9000, 60_000),
    ...given('renew', 500, 30_000),
    ...given('kill-after', 0, 40_000),
    ...(dice.chance(0.3) ? given('lock-delay', 10_000, 65_000) : []),
  ]
}

test('whatever is accepted keeps the rule: all is dead before the earliest next holder, on clocks that drift', () => {
  const dice = new Dice(4711)
  let accepted = 0
  for (let n = 0; n < 1000; n++) {
    const options = anyOptions(dice)
    let explanation: ReturnType<typeof explained>
    try {
      explanation = explained(...options)
    } catch (thrown) {
      if (thrown instanceof Failure && thrown.code === 'usage') continue
      throw thrown
    }
    accepted += 1
    const { attemptsMs, deadlineMs, killMs, guardian, expiryMs, nextHolderMs, nextAfterExpiryMs } = explanation.timeline
    const onASlowClock = (ms: number) => Math.floor(ms * (1 + DRIFT))
    expect(nextHolderMs, options.join(' ')).toBeGreaterThanOrEqual(onASlowClock(killMs) + MARGIN_MS)
    expect(nextHolderMs, options.join(' ')).toBeGreaterThan(onASlowClock(guardian.killMs))
    expect(nextAfterExpiryMs).toBeGreaterThan(nextHolderMs)
    expect(expiryMs).toBeGreaterThan(deadlineMs)
    expect(Math.max(...attemptsMs), options.join(' ')).toBeLessThan(deadlineMs)
    const lines = explanationLines(explanation)
    expect(
      lines.filter((line) => line.length > 80),
      options.join(' '),
    ).toEqual([])
    const letters = (lines.find((line) => /^ +A/.test(line)) ?? '').replaceAll(' ', '')
    expect(letters, options.join(' ')).toBe('ABCDEFG')
  }
  expect(accepted).toBeGreaterThan(100)
})

describe('the picture', () => {
  test('tells a screen reader all that it shows', () => {
    const svg = timelineSvg(explained())
    expect(svg).toContain('role="img" aria-labelledby="title desc"')
    expect(svg).toContain('<title id="title">What a run of backup promises</title>')
    const { marks } = explained()
    const [, told = ''] = /<desc id="desc">(.*)<\/desc>/.exec(svg) ?? []
    for (const { letter } of marks) expect(told).toContain(`${letter}, `)
    for (const { text } of marks) expect(told).toContain(text)
  })

  test('loads nothing from elsewhere, and takes no name for markup', () => {
    const svg = timelineSvg({ ...explained(), title: '<script>"a" & b</script>' })
    expect(svg).toContain('&lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;')
    expect(svg).not.toMatch(/<script|<image|@import|url\(|href/)
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toContain('://')
  })
})
