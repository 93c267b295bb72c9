import { describe, expect, test } from 'vitest'
import { judgeNode, judgeSerfHealth, judgeSessionRight, judgeTtl } from '../../../../src/doctor/node/session-trial.ts'

const WELL = "Missing check 'consul-locker-doctor-1b0e' registration"

describe('what Consul says to a session that can’t be', () => {
  test.each([
    [WELL, ['fine', 'fine', 'fine', 'fine']],
    [`rpc error making call: ${WELL}`, ['fine', 'fine', 'fine', 'fine']],
    ['Permission denied', ['failure', 'fine', 'fine', 'warning']],
    ['rpc error making call: Permission denied', ['failure', 'fine', 'fine', 'warning']],
    ['Missing node registration', ['fine', 'failure', 'fine', 'fine']],
    ["Missing check 'serfHealth' registration", ['fine', 'fine', 'failure', 'fine']],
    ["Check 'serfHealth' is in critical state", ['fine', 'fine', 'failure', 'fine']],
    ["rpc error making call: Check 'serfHealth' is in critical state", ['fine', 'fine', 'failure', 'fine']],
    ["Invalid Session TTL '15000000000', must be between [30s=24h0m0s]", ['warning', 'fine', 'fine', 'failure']],
    ['something new', ['warning', 'fine', 'fine', 'warning']],
  ])('%s: %j', (words, marks) => {
    const judged = [
      judgeSessionRight(words, 'web1'),
      judgeNode(words, 'web1'),
      judgeSerfHealth(words),
      judgeTtl(words, '15s'),
    ]
    expect(judged.map(({ mark }) => mark)).toEqual(marks)
  })

  test('names node and limits', () => {
    expect(judgeSessionRight('Permission denied', 'web1').cure).toContain('session "web1" { policy = "write" }')
    expect(judgeSessionRight('Permission denied', undefined).cure).toContain('session "<node>"')
    const { said } = judgeTtl("Invalid Session TTL '1', must be between [30s=24h0m0s]", '15s')
    expect(said).toContain('between 30s and 24h0m0s')
  })
})
