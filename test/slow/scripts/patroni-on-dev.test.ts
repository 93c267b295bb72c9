import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Keeper } from '../../../scripts/failover/keeper.ts'
import { PATRONI_TUNINGS, PatroniSystem } from '../../../scripts/failover/patroni-system.ts'
import type { Member } from '../../../scripts/failover/system.ts'
import { freePorts } from '../../../scripts/provide/ports.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { startDevServer } from '../../kit/dev-server.ts'
import { processesWith } from '../../kit/processes.ts'
import { scratch } from '../../kit/unique.ts'

const PATIENCE_MS = 240_000

test('Debian’s Patroni elects a leader on consul-locker dev, and another one when that ends', async () => {
  const cleanUp = new AsyncDisposableStack()
  onTestFinished(() => cleanUp.disposeAsync())
  const server = await startDevServer()
  cleanUp.defer(async () => void (await server.stop()))
  const consul = new ConsulClient(server.address)
  const [, tuned] = PATRONI_TUNINGS
  if (!tuned) throw new Error('Patroni has one tuning only')
  const patroni = new PatroniSystem(tuned)
  const dir = scratch()
  const { http: port, server: apiPort } = await freePorts()
  const nodes = await Promise.all(
    ['127.0.0.61', '127.0.0.62'].map(async (address, at): Promise<Member & { keeper: Keeper }> => {
      const name = `node${at + 1}`
      const place = { name, dir: join(dir, name), address, port, apiPort, consul: server.address, first: '127.0.0.61' }
      mkdirSync(place.dir)
      const { app, keeper } = await patroni.prepare(place)
      cleanUp.defer(() => app.stop())
      const running = new Keeper(keeper)
      cleanUp.defer(() => running.dispose())
      await app.start()
      running.start()
      return { name, place, app, keeper: running }
    }),
  )
  const leads = async () => Buffer.from((await consul.entry('service/lab/leader'))?.Value ?? '', 'base64').toString()
  const steady = () => patroni.steadyMaster({ server: server.address, nodes }).catch(() => undefined)
  await expect.poll(steady, { timeout: PATIENCE_MS, interval: 500 }).toMatch(/^node[12]$/)
  const first = await leads()
  const [master, slave] = first === 'node1' ? nodes : [...nodes].reverse()
  expect(master?.name).toBe(first)
  expect((await consul.entry('service/lab/leader'))?.Session).toBeDefined()
  master?.keeper.signal('SIGTERM')
  await master?.keeper.ended()
  await expect.poll(leads, { timeout: PATIENCE_MS, interval: 500 }).toBe(slave?.name)
  const writable = async () => {
    const connection = await slave?.app.connect()
    try {
      return (await connection?.write('afterwards', 1)) !== undefined
    } finally {
      connection?.close()
    }
  }
  await expect.poll(() => writable().catch(() => false), { timeout: PATIENCE_MS, interval: 500 }).toBe(true)
  await cleanUp.disposeAsync()
  await expect.poll(() => processesWith(dir), { timeout: 20_000 }).toEqual([])
})
