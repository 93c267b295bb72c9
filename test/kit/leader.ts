import { expect } from 'vitest'
import { patiently } from './locker.ts'
import { client } from './shared-consul.ts'
import { Toy } from './toy-application.ts'

export const leaderKey = (toy: Toy) => `lock/${toy.name}/leader`

export interface Service {
  readonly ID: string
  readonly Tags: readonly string[]
}

export async function services(toy: Toy, at = client): Promise<Service[]> {
  const all = (await (await at.request('GET', '/agent/services')).json()) as Record<
    string,
    Service & { Service: string }
  >
  return Object.values(all).filter(({ Service }) => Service === toy.name)
}

export async function tagged(toy: Toy, tag: string, at = client): Promise<void> {
  let last: Service[] = []
  const look = async () => {
    last = await services(toy, at)
    return last.length === 1 && last[0]?.Tags.join() === tag
  }
  await patiently(look, () => `${toy.name} is not registered as ${tag}: ${JSON.stringify(last)}`)
}

/** The lock was given back, so that nobody has to wait for a lock-delay. */
export async function released(toy: Toy): Promise<void> {
  await patiently(
    async () => (await client.entry(leaderKey(toy))) === undefined,
    () => `${leaderKey(toy)} was not given back`,
  )
  const session = await client.createSession()
  expect(await client.acquire(leaderKey(toy), session)).toBe(true)
  await client.release(leaderKey(toy), session)
  await client.destroySession(session)
  await client.deleteKey(leaderKey(toy))
}

export async function master(keys: Readonly<Record<string, unknown>> = {}) {
  const toy = await Toy.make()
  toy.configure(keys)
  const agent = toy.start()
  await toy.plays('master')
  await tagged(toy, 'master')
  return { toy, agent }
}
