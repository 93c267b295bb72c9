import { describe, expect, test } from 'vitest'
import type { AgentStatus } from '../../../../src/leader/agent/agent-status.ts'
import { answerTo } from '../../../../src/leader/agent/endpoints.ts'

function statusOf(url: string, status: Partial<AgentStatus> | undefined, method = 'GET'): number {
  const { pathname: path, searchParams: query } = new URL(url, 'http://agent')
  return answerTo({ method, path, query }, status as AgentStatus | undefined).status
}

const MASTER = { role: 'master', lock: 'held', healthy: true, alive: true } as const
const SLAVE = { role: 'slave', lock: 'none', healthy: true, alive: true, lagMs: 1500, lag: 2048 } as const
const PROMOTING = { ...SLAVE, lock: 'held', lagMs: undefined, lag: undefined } as const
const STALE = { ...SLAVE, role: 'stale' } as const
const SICK = { ...SLAVE, role: 'unhealthy', healthy: false } as const
const DISABLED = { ...SLAVE, role: 'disabled' } as const

const PATHS = ['/primary', '/master', '/leader', '/replica', '/read-only', '/readiness', '/liveness'] as const

describe('an agent answers 200', () => {
  test.each([
    ['a master', MASTER, ['/primary', '/master', '/leader', '/read-only', '/readiness', '/liveness']],
    ['one that is becoming master', PROMOTING, ['/leader', '/replica', '/read-only', '/readiness', '/liveness']],
    ['a slave', SLAVE, ['/replica', '/read-only', '/readiness', '/liveness']],
    ['a slave that is too far behind', STALE, ['/readiness', '/liveness']],
    ['a sick slave', SICK, ['/liveness']],
    ['a disabled slave', DISABLED, ['/readiness', '/liveness']],
    ['an agent that hangs', { ...SLAVE, alive: false }, ['/replica', '/read-only', '/readiness']],
    ['one that is starting', undefined, ['/liveness']],
  ] as const)('of %s, and 503 to all else', (_, status, good) => {
    expect(PATHS.filter((path) => statusOf(path, status) === 200)).toEqual(
      PATHS.filter((path) => good.some((one) => one === path)),
    )
    const bad = PATHS.filter((path) => !good.some((one) => one === path))
    expect(bad.map((path) => statusOf(path, status))).toEqual(bad.map(() => 503))
  })

  test.each([
    ['/replica?lag=2s', SLAVE, 200],
    ['/replica?lag=1s', SLAVE, 503],
    ['/replica?lag=2048', SLAVE, 200],
    ['/replica?lag=1kB', SLAVE, 503],
    ['/replica?lag=1MB', { ...SLAVE, lag: undefined }, 503],
    ['/replica?lag=1MB', MASTER, 503],
    ['/read-only?lag=1kB', MASTER, 200],
    ['/read-only?lag=1kB', SLAVE, 503],
    ['/replica?lag=', SLAVE, 400],
    ['/replica?lag=much', SLAVE, 400],
  ] as const)('to %s only within that lag: %o gets %i', (url, status, code) => {
    expect(statusOf(url, status)).toBe(code)
  })

  test.each(['GET', 'HEAD', 'OPTIONS'])('to %s alike', (method) => {
    expect([statusOf('/primary', MASTER, method), statusOf('/primary', SLAVE, method)]).toEqual([200, 503])
  })

  test('to nobody who would change something', () => {
    expect(['POST', 'PUT', 'DELETE', 'PATCH'].map((method) => statusOf('/primary', MASTER, method))).toEqual([
      405, 405, 405, 405,
    ])
  })
})
