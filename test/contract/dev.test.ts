import { afterAll, beforeAll, expect } from 'vitest'
import { type DevServer, startDevServer } from '../kit/dev-server.ts'
import { consulPromises } from './consul-promises.ts'
import { httpTarget } from './http-target.ts'
import { probePromises } from './probe-promises.ts'

let server: DevServer
const target = httpTarget(() => server.address)

beforeAll(async () => {
  server = await startDevServer()
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
})

consulPromises('consul-locker dev', () => target)
probePromises('consul-locker dev', () => target)
