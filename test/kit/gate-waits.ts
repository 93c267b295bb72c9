import type { AddressInfo, Server } from 'node:net'
import { onTestFinished } from 'vitest'
import { ConsulClient } from './consul-client.ts'
import type { Running } from './locker.ts'

export const client = new ConsulClient()

export const put = (key: string, value: string) => client.request('PUT', `/kv/${key}`, value)

export async function isMissing(waiter: Running, what: RegExp): Promise<void> {
  await waiter.says(new RegExp(`waiting for .*${what.source}`))
}

export async function listening<S extends Server>(server: S, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
