import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Lab } from '../../../scripts/failover/lab.ts'
import { ledPostgres } from '../../../scripts/failover/locker-postgres.ts'
import { LockerSystem } from '../../../scripts/failover/locker-system.ts'
import { MASTER_FAULTS } from '../../../scripts/failover/master-faults.ts'
import { playRound } from '../../../scripts/failover/round.ts'
import { asOrdinaryUser } from '../../../scripts/provide/ordinary-user.ts'
import { LOCKER } from '../../kit/locker.ts'

const cleanUp = new AsyncDisposableStack()
let lab: Lab

beforeAll(async () => {
  const { words: through } = await asOrdinaryUser()
  const extra = ['min_leader_time: 0s', 'max_failovers_per_hour: 100']
  const system = new LockerSystem({ application: 'postgres', locker: LOCKER, led: ledPostgres, extra, through })
  lab = await Lab.open({ system, quick: true }, cleanUp)
  await lab.start()
})

afterAll(() => cleanUp.disposeAsync())

function play(name: string, signal: AbortSignal) {
  const fault = MASTER_FAULTS.find((one) => one.name === name)
  if (!fault) throw new Error(`there is no fault ${name}`)
  return playRound(lab, fault, signal)
}

describe('PostgreSQL with an agent on each of three nodes', () => {
  test('the one with data is master, the others copy them and follow', async () => {
    expect((await lab.steady()).name).toBe('node1')
  })

  test('a controlled failover loses no committed row, and the old master follows', async ({ signal }) => {
    expect(await play('step-down', signal)).toMatchObject({ from: 'node1', lost: 0, breaches: [] })
  })

  test('a master that is killed is replaced, and follows once it is back', async ({ signal }) => {
    const { from, to, breaches } = await play('app-killed', signal)
    expect({ sameAgain: from === to, breaches }).toEqual({ sameAgain: false, breaches: [] })
  })

  test('a master whose machine dies is replaced by a standby, which was not stopped for that', async ({ signal }) => {
    const { from, to, breaches } = await play('node-dead', signal)
    expect({ sameAgain: from === to, breaches }).toEqual({ sameAgain: false, breaches: [] })
  })
})
