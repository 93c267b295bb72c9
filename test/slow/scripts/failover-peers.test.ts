import { expect, onTestFinished, test } from 'vitest'
import { Lab } from '../../../scripts/failover/lab.ts'
import { MASTER_FAULTS } from '../../../scripts/failover/master-faults.ts'
import { playRound } from '../../../scripts/failover/round.ts'
import { PEERS } from '../../../scripts/failover/systems.ts'
import { processesWith } from '../../kit/processes.ts'

test.for(PEERS)('failover › $name goes through the same faults as ours', async (system, { signal }) => {
  const cleanUp = new AsyncDisposableStack()
  onTestFinished(() => cleanUp.disposeAsync())
  const lab = await Lab.open({ system, quick: true }, cleanUp)
  await lab.start()
  const play = (name: string) => {
    const fault = MASTER_FAULTS.find((one) => one.name === name)
    if (!fault) throw new Error(`there is no fault ${name}`)
    return playRound(lab, fault, signal)
  }
  const handedOver = await play('step-down')
  expect(handedOver).toMatchObject({ system: system.name, waitedForRepair: false, refusal: undefined })
  expect(handedOver.to).not.toBe(handedOver.from)
  expect(handedOver.acknowledged).toBeGreaterThan(20)
  const killed = await play('app-killed')
  expect(killed).toMatchObject({ from: handedOver.to, waitedForRepair: false })
  expect(lab.nodes.map(({ name }) => name)).toContain(killed.to)
  await cleanUp.disposeAsync()
  await expect.poll(() => processesWith(lab.dir), { timeout: 20_000 }).toEqual([])
})
