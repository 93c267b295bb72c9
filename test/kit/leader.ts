import { expect } from 'vitest'
import { ConsulClient } from './consul-client.ts'
import { patiently } from './locker.ts'
import { Toy } from './toy-application.ts'

export const consul = new ConsulClient()
export const lockOf = (toy: Toy) => `lock/${toy.name}/leader`

export interface Service {
  readonly ID: string
  readonly Tags: readonly string[]
}

export async function services(toy: Toy, client = consul): Promise<Service[]> {
  const all = (await (await client.request('GET', '/agent/services')).json()) as Record<
    string,
    Service & { Service: string }
  >
  return Object.values(all).filter(({ Service }) => Service === toy.name)
}

export async function tagged(toy: Toy, tag: string, client = consul): Promise<void> {
  let last: Service[] = []
  const look = async () => {
    last = await services(toy, client)
    return last.length === 1 && last[0]?.Tags.join() === tag
  }
  await patiently(look, () => `${toy.name} is not registered as ${tag}: ${JSON.stringify(last)}`)
}

/** The lock was given back, so that nobody has to wait for a lock-delay. */
export async function released(toy: Toy): Promise<void> {
  await patiently(
    async () => (await consul.entry(lockOf(toy))) === undefined,
    () => `${lockOf(toy)} was not given back`,
  )
  const session = await consul.createSession()
  expect(await consul.acquire(lockOf(toy), session)).toBe(true)
  await consul.release(lockOf(toy), session)
  await consul.destroySession(session)
  await consul.deleteKey(lockOf(toy))
}

export async function master(keys: Readonly<Record<string, unknown>> = {}) {
  const toy = await Toy.make()
  toy.configure(keys)
  const agent = toy.start()
  await toy.plays('master')
  await tagged(toy, 'master')
  return { toy, agent }
}
