import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../scripts/provide/agent.ts'
import { startLocker } from '../kit/locker.ts'
import { outcomes } from '../kit/token-fuzz.ts'

let agent: ConsulAgent

beforeAll(async () => {
  agent = await startConsul()
})

afterAll(() => agent?.stop())

const residentMB = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

test('a server of tokens bears thirty thousand requests of all shapes: no fault of its own, no end, no growth', async () => {
  const args = ['discovery', 'serve', '--listen', '127.0.0.1:0', '--rate-limit', '0']
  const server = startLocker(args, { address: agent.address })
  const [, url = ''] = await server.says(/serving discovery tokens at (http:\S+?),/)
  const token = await (await fetch(`${url}/new`)).text()
  const round = (seed: number) => outcomes(new URL(url).host, token, { seed, requests: 2500 })
  // V8's heap grows until it is worth its while to clear it: after eight rounds it has become as large as it will be.
  for (let seed = 1; seed <= 8; seed++) expect(await round(seed)).toEqual([])
  const before = residentMB(server.pid)
  for (let seed = 9; seed <= 12; seed++) expect(await round(seed)).toEqual([])
  expect(residentMB(server.pid) - before).toBeLessThan(40)
  expect((await fetch(`${url}/${token}`)).status).toBe(200)
  expect(server.stderr).not.toMatch(/error:/)
})
