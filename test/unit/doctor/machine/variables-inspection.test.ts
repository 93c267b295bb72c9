import { describe, expect, test } from 'vitest'
import { judgeVariables } from '../../../../src/doctor/machine/variables-inspection.ts'

const OPTIONS = ['CONSUL_LOCKER_NO_WAIT', 'CONSUL_LOCKER_HTTP_ADDR']

describe('variables', () => {
  test.each([
    [{ PATH: '/bin' }, 'fine', 'no variable changes what a run does'],
    [{ CONSUL_HTTP_ADDR: 'a:1' }, 'fine', 'in effect: CONSUL_HTTP_ADDR'],
    [{ CONSUL_LOCKER_HTTP_ADDR: 'a:1' }, 'fine', 'in effect: CONSUL_LOCKER_HTTP_ADDR'],
    [{ CONSUL_LOCKER_NO_WAIT: 'true' }, 'warning', 'in effect: CONSUL_LOCKER_NO_WAIT'],
    [{ NODE_OPTIONS: '--inspect', DEBUG: '1' }, 'fine', 'in effect: DEBUG; not heeded: NODE_OPTIONS'],
  ])('%j: %s', (environment, mark, said) => {
    const finding = judgeVariables(environment, OPTIONS)
    expect(finding.mark).toBe(mark)
    expect(finding.said).toContain(said)
  })

  test('are told without their values', () => {
    expect(judgeVariables({ CONSUL_HTTP_TOKEN: 'secret' }, OPTIONS).said).not.toContain('secret')
  })
})
