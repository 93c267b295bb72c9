import { describe, expect, test } from 'vitest'
import { reportJson, reportLines } from '../../../../../src/cli/commands/doctor/report.ts'
import type { Result } from '../../../../../src/doctor/inspection.ts'

const RESULTS: readonly Result[] = [
  {
    inspection: { code: 'CL101', topic: 'Consul', title: 'settings' },
    mark: 'fine',
    said: 'the address is 127.0.0.1:8500 (from CONSUL_HTTP_ADDR)',
  },
  {
    inspection: { code: 'CL109', topic: 'Consul', title: 'connections' },
    mark: 'warning',
    said: 'the agent takes 100 connections from one address, of which this machine has 3: 50 waiters are the most',
    cure: 'raise limits.http_max_conns_per_client of the agent, or have fewer of its clients on this machine',
  },
  {
    inspection: { code: 'CL401', topic: 'Rights', title: 'sessions' },
    mark: 'failure',
    said: 'the token may not have sessions on this node: Permission\u001b[31m denied',
    cure: 'it needs the ACL rule session "web1" { policy = "write" }',
  },
  {
    inspection: { code: 'CL301', topic: 'This node', title: 'catalog' },
    mark: 'untried',
    said: 'not tried: CL401 failed',
  },
]

describe('a report', () => {
  test('fits a terminal of 80 columns', () => {
    const lines = reportLines(RESULTS, { LANG: 'en_US.UTF-8' })
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(lines.join('\n')).toMatchInlineSnapshot(`
      "Consul
      ✓ CL101 the address is 127.0.0.1:8500 (from CONSUL_HTTP_ADDR)
      ! CL109 the agent takes 100 connections from one address, of which this machine
              has 3: 50 waiters are the most
              → raise limits.http_max_conns_per_client of the agent, or have fewer of
                its clients on this machine

      Rights
      ✗ CL401 the token may not have sessions on this node: Permission\\u001b[31m
              denied
              → it needs the ACL rule session "web1" { policy = "write" }

      This node
      - CL301 catalog: not tried: CL401 failed

      1 would break a run, 1 warning, 1 not tried, 1 fine"
    `)
  })

  test.each([
    [{}, true],
    [{ LANG: 'C' }, true],
    [{ LANG: 'C.UTF-8' }, false],
    [{ LANG: 'C', LC_ALL: 'de_DE.utf8' }, false],
    [{ LANG: 'de_DE.UTF-8', LC_ALL: 'POSIX' }, true],
    [{ LANG: 'C', LC_CTYPE: 'en_US.UTF-8' }, false],
  ])('is in ASCII in the environment %j: %s', (environment, isPlain) => {
    expect(/^[ -~\n]*$/.test(reportLines(RESULTS, environment).join('\n'))).toBe(isPlain)
  })

  test('is one JSON for machines', () => {
    const { ok, checks } = JSON.parse(reportJson(RESULTS))
    expect(ok).toBe(false)
    expect(checks[1]).toEqual({
      code: 'CL109',
      topic: 'Consul',
      title: 'connections',
      result: 'warning',
      message: RESULTS[1]?.said,
      cure: RESULTS[1]?.cure,
    })
    expect(checks[3]).toMatchObject({ code: 'CL301', result: 'untried' })
  })
})
