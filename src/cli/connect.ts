import { Consul } from '../consul/consul.ts'
import { openTransport } from '../consul/transport.ts'
import { consulSettings } from './consul-settings.ts'
import type { Given } from './parse.ts'

/** A client for the agent that options and environment name. Nothing is sent yet. Throws a `usage` failure. */
export async function connect(given: Given, environment: NodeJS.ProcessEnv): Promise<Consul> {
  const settings = consulSettings(given, environment)
  return new Consul(settings, await openTransport(settings))
}
