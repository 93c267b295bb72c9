import { describe, expect, test } from 'vitest'
import { doubtIn, type HealthVerdict, judgeHealth } from '../../../../src/leader/agent/health-verdict.ts'

const RULE = { fall: 3, rise: 2 }

/** Checks in a row: `+` passed, `-` failed, `.` the application doesn't run. What is believed after each. */
function believed(checks: string, rule = RULE): string {
  let verdict: HealthVerdict | undefined
  return [...checks]
    .map((check) => {
      const report = { healthy: check === '+', ...(check === '.' ? { role: 'stopped' as const } : {}) }
      verdict = judgeHealth(verdict, report, rule)
      return verdict.healthy ? '+' : '-'
    })
    .join('')
}

describe('an application’s health', () => {
  test.each([
    ['believes good news when there are enough of them', '+++', '-++'],
    ['minds no single failure', '++-+', '-+++'],
    ['minds no failures that are not in a row', '++--+--+', '-+++++++'],
    ['believes so many failures in a row', '++---', '-++' + '+-'],
    ['doesn’t wait when it is gone', '++.', '-+-'],
    ['doesn’t wait when it is gone after a failure', '++-.', '-++-'],
    ['is bad at the start until it is good', '---', '---'],
    ['counts the good news anew', '++---+-++', '-++' + '+---' + '-+'],
  ])('%s: %s', (_, checks, verdicts) => expect(believed(checks)).toBe(verdicts))

  test('may be judged by each check alone', () => {
    expect(believed('+-+-', { fall: 1, rise: 1 })).toBe('+-+-')
  })

  test('tells how much speaks against it', () => {
    expect(doubtIn({ healthy: true, contrary: 2 }, RULE)).toBe('2 of 3')
    expect(doubtIn({ healthy: false, contrary: 1 }, RULE)).toBe('1 of 2')
    expect(doubtIn({ healthy: true, contrary: 0 }, RULE)).toBeUndefined()
  })
})
