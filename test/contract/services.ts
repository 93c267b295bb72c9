import type { Client } from './consul-target.ts'

/** A service that the agent has registered. */
export interface RegisteredService {
  readonly id: string
  readonly name: string
  /** The agent's node. */
  readonly node: string
}

/** Registers a service with the agent, under a name that nobody else uses. */
export async function registeredService(client: Client, about: object = {}): Promise<RegisteredService> {
  const name = client.name
  const body = { ID: `${name}-1`, Name: name, ...about }
  const { status, text } = await client.put('/v1/agent/service/register', JSON.stringify(body))
  if (status !== 200) throw new Error(text)
  const { json } = await client.read('/v1/agent/self')
  return { id: body.ID, name, node: json.Config.NodeName }
}
