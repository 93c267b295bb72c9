import { expect, test } from 'vitest'
import type { CompoundLock } from '../../../src/lock/compound-lock.ts'
import { childEnvironment, enclosingSessions, markerOf } from '../../../src/run/child-environment.ts'
import type { RunSpec } from '../../../src/run/run-spec.ts'
import { virtualLock, won } from '../../virtual/virtual-lock.ts'

/** A run and its lock. */
async function held(environment: NodeJS.ProcessEnv) {
  const { clock, acquire, spec: lock } = virtualLock()
  const held = won(await clock.run(acquire()))
  held.session.end()
  const spec: RunSpec = {
    lock,
    command: ['true'],
    recorded: ['true'],
    waitMs: 0,
    waitGroup: false,
    environment,
    runId: 'run-1',
    mark: 'a-b-c',
  }
  return { spec, held, session: held.session.id, fence: String(held.fence) }
}

test('a command gets the run’s own environment, and what there is to know of its lock', async () => {
  const around = { CONSUL_LOCKER_KEY: 'another', CONSUL_LOCKER_FENCES: '1 2', CONSUL_LOCKER_KEYS: 'another one' }
  const { spec, held: ours, session, fence } = await held({ PATH: '/bin', ...around })
  expect(childEnvironment(spec, ours)).toEqual({
    PATH: '/bin',
    CONSUL_LOCK_HELD: 'true',
    CONSUL_LOCKER_NAME: 'virtual',
    CONSUL_LOCKER_KEY: 'consul-locker-virtual',
    CONSUL_LOCKER_SESSION: session,
    CONSUL_LOCKER_FENCE: fence,
    CONSUL_LOCKER_RUN_ID: 'run-1',
    CONSUL_LOCKER_SESSIONS: session,
    CONSUL_LOCKER_RUN_a_b_c: '1',
  })
})

test('a command knows of a lock that is had in a way of its own what that tells, if it tells anything', async () => {
  const { spec, held: ours, fence } = await held({})
  const under = (environment?: CompoundLock['environment']) =>
    childEnvironment(spec, { ...ours, compound: { environment } as CompoundLock })
  expect(under((fence) => ({ CONSUL_LOCKER_FENCES: `${fence} 1` }))).toMatchObject({
    CONSUL_LOCKER_FENCES: `${fence} 1`,
  })
  expect(under()).toEqual(childEnvironment(spec, ours))
})

test('a command within another one knows the sessions of both, and carries both marks', async () => {
  const outer = { CONSUL_LOCKER_SESSIONS: 'one two', CONSUL_LOCKER_RUN_x: '1' }
  const { spec, held: ours, session } = await held(outer)
  const environment = childEnvironment(spec, ours)
  expect(enclosingSessions(environment)).toEqual(['one', 'two', session])
  const entries = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  expect(entries).toEqual(expect.arrayContaining([markerOf('x'), markerOf('a-b-c')]))
})

test.each([[{}], [{ CONSUL_LOCKER_SESSIONS: '' }], [{ CONSUL_LOCKER_SESSIONS: ' ' }]])(
  '%j is within nothing',
  (environment) => {
    expect(enclosingSessions(environment)).toEqual([])
  },
)
