import * as v from 'valibot'
import { parseConfig, readConfig } from '../config/config-file.ts'
import { consul, duration, file, word } from '../config/values.ts'

const COMMAND_FORMS =
  'systemctl, service, a template with {service} and {action}, or one for each of start, stop, status'
const template = v.pipe(v.string(COMMAND_FORMS), v.nonEmpty(COMMAND_FORMS))

const SCHEMA = v.strictObject({
  name: word('the name of this wrapper'),
  consul_service: word('the name of a Consul service'),
  cluster_key: v.pipe(
    v.string('a folder as cluster/production'),
    v.regex(/^[^/\s]+(\/[^/\s]+)*$/, 'a folder as cluster/production'),
  ),
  local_services: v.optional(
    v.pipe(
      v.array(word('the name of a local service'), 'a list of local services'),
      v.minLength(1, 'at least one service'),
    ),
  ),
  noop_lockfile: v.optional(file),
  noop_expires: v.optional(duration, '10m'),
  service_command: v.optional(
    v.union([template, v.strictObject({ start: template, stop: template, status: template })], COMMAND_FORMS),
  ),
  start_timeout: v.optional(duration, '60s'),
  stop_timeout: v.optional(duration, '60s'),
  step_timeout: v.optional(duration),
  consul,
})

/** An init script's configuration. Durations are in milliseconds. */
export type InitFile = Omit<v.InferOutput<typeof SCHEMA>, 'local_services' | 'step_timeout'> & {
  readonly local_services: readonly string[]
  readonly step_timeout: number
}

const STEP_MS = 90_000

/** Reads an init script, which is its configuration. Throws a `config` failure that names file, line and key. */
export function readInitFile(path: string): InitFile {
  return withServices(readConfig({ what: 'the init script', schema: SCHEMA }, path))
}

export function parseInitFile(path: string, text: string): InitFile {
  return withServices(parseConfig(SCHEMA, path, text))
}

/** A step takes as long as all services may, one after the other. */
function withServices({ local_services, step_timeout, ...rest }: v.InferOutput<typeof SCHEMA>): InitFile {
  const services = local_services ?? [rest.name]
  const neededMs = Math.max(rest.start_timeout, rest.stop_timeout) * services.length
  return { ...rest, local_services: services, step_timeout: step_timeout ?? Math.max(STEP_MS, neededMs) }
}
