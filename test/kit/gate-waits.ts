import type { AddressInfo, Server } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import { isKnown } from './catalog.ts'
import { type Running, startLocker } from './locker.ts'
import { client } from './shared-consul.ts'

/** Registers an instance with a TTL check in this state. */
export async function register(
  service: string,
  state: string,
  more: { id?: string; tags?: string[] } = {},
): Promise<void> {
  const { id = service, tags = [] } = more
  const check = { CheckID: `${id}:ttl`, TTL: '10m', Status: state }
  const body = { ID: id, Name: service, Tags: tags, Port: 1, Check: check }
  expect((await client.request('PUT', '/agent/service/register', JSON.stringify(body))).status).toBe(200)
  await isKnown(client.read, service, { id, status: state })
  onTestFinished(async () => void (await client.request('PUT', `/agent/service/deregister/${id}`)))
}

/** Has the check of a service's only instance say this. Who registers that once more changes nothing of it. */
export async function turns(service: string, state: string): Promise<void> {
  const body = JSON.stringify({ Status: state })
  expect((await client.request('PUT', `/agent/check/update/${service}:ttl`, body)).status).toBe(200)
  await isKnown(client.read, service, { status: state })
}

/** Waits with a plain line on stderr, and says that it ran. */
export const wait = (...gates: string[]) => startLocker(['wait', ...gates, '--', 'echo', 'ran'])

export async function isMissing(waiter: Running, what: RegExp): Promise<void> {
  await waiter.says(new RegExp(`waiting for .*${what.source}`))
}

export const ran = { code: 0, stdout: 'ran\n' }

export async function listening<S extends Server>(server: S, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
