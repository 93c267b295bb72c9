import { afterAll, beforeAll, expect } from 'vitest'
import { expiryPromises } from '../../contract/expiry-promises.ts'
import { httpTarget } from '../../contract/http-target.ts'
import { type DevServer, startDevServer } from '../../kit/dev-server.ts'

let server: DevServer
const target = httpTarget(() => server.address)

beforeAll(async () => {
  server = await startDevServer()
})
afterAll(async () => {
  expect(await server.stop()).toBe(0)
})

expiryPromises('consul-locker dev', () => target)
