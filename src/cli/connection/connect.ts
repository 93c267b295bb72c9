import { Consul } from '../../consul/consul.ts'
import { openTransport } from '../../consul/transport.ts'
import type { ConsulOptions } from '../options/consul-options.ts'
import { readConsulSettings } from './read-consul-settings.ts'

/** What this process has been warned of: it may open several clients, and one warning is enough. */
const warned = new Set<string>()

/**
 * A client for the agent that options and environment name. Nothing is sent yet; `rules` are all ACL rules that will be
 * needed. Throws a `usage` failure.
 */
export async function connect(
  options: ConsulOptions,
  environment: NodeJS.ProcessEnv,
  rules: readonly string[] = [],
): Promise<Consul> {
  const settings = readConsulSettings(options, environment)
  const worries = settings.warnings.filter((worry) => !warned.has(worry))
  for (const worry of worries) warned.add(worry)
  const consul = new Consul({ ...settings, warnings: worries }, await openTransport(settings))
  consul.rules = rules
  return consul
}
