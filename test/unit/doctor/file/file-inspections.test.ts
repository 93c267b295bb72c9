import { expect, test } from 'vitest'
import { Failure } from '../../../../src/base/failure.ts'
import { judgeCluster, judgeLackedRules, judgePrograms } from '../../../../src/doctor/file/file-inspections.ts'
import { lineProgram } from '../../../../src/doctor/file/line-program.ts'

test.each([
  ['/bin/sh --version', 'fine'],
  ['/opt/no/such --thing', 'failure'],
  ['redis-cli ping', 'fine'],
  ['[ -e /opt/no/such ] && /opt/no/such', 'fine'],
  ['"$HOME"/x', 'fine'],
])('a line for the shell, %s: %s', (line, mark) => {
  expect(judgePrograms(lineProgram('demote', line, { PATH: '/usr/bin:/bin' })).mark).toBe(mark)
})

test('everything that is missing is named once, and a bug is a bug', () => {
  const missing = (what: string) => ({
    look() {
      throw new Failure('not-found', what)
    },
  })
  expect(judgePrograms([missing('a'), missing('b'), missing('a')])).toMatchObject({ mark: 'failure', said: 'a; b' })
  const faulty = {
    look() {
      throw new TypeError('oops')
    },
  }
  expect(() => judgePrograms([faulty])).toThrow('oops')
})

test.each([
  [[], 'fine'],
  [['key "a" { policy = "write" }'], 'failure'],
])('rules that are lacked, %j: %s', (rules, mark) => expect(judgeLackedRules(rules).mark).toBe(mark))

test.each([
  [false, [], 'failure', 'nothing stands at'],
  [true, [], 'warning', 'is registered'],
  [true, [{ health: 'passing', checks: [{ ServiceName: '' }] }], 'warning', 'has no check'],
  [true, [{ health: 'critical', checks: [{ ServiceName: 'web' }] }], 'warning', 'is critical'],
  [true, [{ health: 'warning', checks: [{ ServiceName: 'web' }] }], 'fine', 'is registered'],
])('a cluster whose roles are known (%j), and %j: %s', (areKnown, here, mark, said) => {
  const finding = judgeCluster({ service: 'web', key: 'cluster/a/web' }, areKnown, here)
  expect([finding.mark, finding.said.includes(said)], finding.said).toEqual([mark, true])
})
