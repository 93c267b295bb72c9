import { type ConsulOptions, consulOptionsIn } from '../options/consul-options.ts'
import { variableOf } from '../syntax/option.ts'

/**
 * How to reach Consul, as environment variables: others may read our arguments, and a token is no business of theirs.
 */
export function consulVariables(options: ConsulOptions): NodeJS.ProcessEnv {
  const { 'consul-timeout': timeoutMs, ...others } = consulOptionsIn(options)
  const values = { ...others, 'consul-timeout': `${timeoutMs}ms` }
  const variables = Object.entries(values).map(([name, value]) => [variableOf(name), value] as const)
  return Object.fromEntries(variables.filter(([, value]) => value !== undefined))
}
