import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FAULTS } from '../../scripts/failover/faults.ts'
import { Lab } from '../../scripts/failover/lab.ts'
import { asOrdinaryUser, PostgresApp } from '../../scripts/failover/postgres-app.ts'
import { playRound } from '../../scripts/failover/round.ts'
import { LOCKER } from '../kit/locker.ts'

const cleanUp = new AsyncDisposableStack()
let lab: Lab

beforeAll(async () => {
  const { words } = await asOrdinaryUser()
  lab = await Lab.open(
    {
      service: 'postgres',
      locker: LOCKER,
      app: ({ dir, address, port, name }) => PostgresApp.prepare({ dir, address, port, isFirst: name === 'node1' }),
      nodes: 2,
      fastGossip: true,
      extra: ['min_leader_time: 0s', 'max_failovers_per_hour: 100'],
      through: words,
    },
    cleanUp,
  )
  for (const node of lab.nodes) await node.start()
})

afterAll(() => cleanUp.disposeAsync())

function play(name: string, signal: AbortSignal) {
  const fault = FAULTS.find((one) => one.name === name)
  if (!fault) throw new Error(`there is no fault ${name}`)
  return playRound(lab, fault, signal)
}

describe('PostgreSQL with an agent on each of two nodes', () => {
  test('the one with data is master, the other one copies them and follows', async () => {
    expect((await lab.steady()).name).toBe('node1')
  })

  test('a controlled failover loses no committed row, and the old master follows', async ({ signal }) => {
    expect(await play('step-down', signal)).toMatchObject({ from: 'node1', to: 'node2', lost: 0, breaches: [] })
  })

  test('a master that is killed is replaced, and follows once it is back', async ({ signal }) => {
    expect(await play('app-killed', signal)).toMatchObject({ from: 'node2', to: 'node1', breaches: [] })
  })
})
