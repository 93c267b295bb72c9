import { Failure } from '../../../base/failure.ts'
import { Consul } from '../../../consul/consul.ts'
import { openTransport } from '../../../consul/transport.ts'
import type { Reach } from '../../../doctor/examined-system.ts'
import { orFromFile, orFromOwnFile } from '../../connection/consul-of-file.ts'
import { readConsulSettings } from '../../connection/read-consul-settings.ts'
import type { ConsulOptions } from '../../options/consul-options.ts'
import { variableOf } from '../../syntax/option.ts'
import type { FileInQuestion } from './file-in-question.ts'

/**
 * How Consul is reached by options, environment and a file, or why it can't be. What is unwise about it isn't logged.
 */
export async function reachFor(
  options: ConsulOptions,
  file: FileInQuestion | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<Reach> {
  try {
    const given = givenBy(options, file, environment)
    const settings = { ...readConsulSettings(given, environment), patienceMs: Number.POSITIVE_INFINITY }
    const consul = new Consul({ ...settings, warnings: [] }, await openTransport(settings))
    return { settings, consul, addressFrom: sourceOf(options, given, file, environment) }
  } catch (thrown) {
    if (thrown instanceof Failure) return { failure: thrown }
    throw thrown
  }
}

function givenBy(
  options: ConsulOptions,
  file: FileInQuestion | undefined,
  environment: NodeJS.ProcessEnv,
): ConsulOptions {
  if (!file) return options
  return (file.kind === 'init' ? orFromOwnFile : orFromFile)(options, file.consul, environment)
}

/** Where the address comes from, in words. */
function sourceOf(
  options: ConsulOptions,
  given: ConsulOptions,
  file: FileInQuestion | undefined,
  environment: NodeJS.ProcessEnv,
): string {
  const variable = variableOf('http-addr')
  if (options['http-addr'] !== undefined) {
    return options['http-addr'] === environment[variable] ? `from ${variable}` : 'by --http-addr'
  }
  if (given['http-addr'] !== undefined) return `from ${file?.path}`
  return environment.CONSUL_HTTP_ADDR ? 'from CONSUL_HTTP_ADDR' : 'the default'
}
