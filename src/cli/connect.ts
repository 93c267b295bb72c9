import { Consul } from '../consul/consul.ts'
import { openTransport } from '../consul/transport.ts'
import { consulSettings } from './consul-settings.ts'
import type { Given } from './parse.ts'

/** What this process has been warned of: it may open several clients, and one warning is enough. */
const warned = new Set<string>()

/**
 * A client for the agent that options and environment name. Nothing is sent yet; `rules` are all ACL rules that will be
 * needed. Throws a `usage` failure.
 */
export async function connect(
  given: Given,
  environment: NodeJS.ProcessEnv,
  rules: readonly string[] = [],
): Promise<Consul> {
  const settings = consulSettings(given, environment)
  const worries = settings.worries.filter((worry) => !warned.has(worry))
  for (const worry of worries) warned.add(worry)
  const consul = new Consul({ ...settings, worries }, await openTransport(settings))
  consul.rules = rules
  return consul
}
