import * as v from 'valibot'
import { parseConfig, readConfig } from '../config/config-file.ts'
import { consulValue, durationValue, fileValue, wordValue } from '../config/config-values.ts'
import { isPattern } from '../switchover/name-pattern.ts'
import { hasOnlyPlaceholders } from './command-template.ts'

const COMMAND_FORMS =
  'systemctl, service, a template with {service} and {action}, or one for each of start, stop, status'
const template = v.pipe(
  v.string(COMMAND_FORMS),
  v.nonEmpty(COMMAND_FORMS),
  v.check((text) => hasOnlyPlaceholders(text, ['service', 'action']), COMMAND_FORMS),
)

const FILTER_FORM = 'a regular expression for names of nodes'
const FENCE_FORM = 'a command with {node}, and {datacenter} if need be, which switches that node off'

function isFence(template: string): boolean {
  return template.includes('{node}') && hasOnlyPlaceholders(template, ['node', 'datacenter'])
}

const SCHEMA = v.strictObject({
  name: wordValue('the name of this wrapper'),
  consul_service: wordValue('the name of a Consul service'),
  cluster_key: v.pipe(
    v.string('a folder as cluster/production'),
    v.regex(/^[^/\s]+(\/[^/\s]+)*$/, 'a folder as cluster/production'),
  ),
  service_filter: v.optional(v.pipe(v.string(FILTER_FORM), v.check(isPattern, FILTER_FORM))),
  local_services: v.optional(
    v.pipe(
      v.array(wordValue('the name of a local service'), 'a list of local services'),
      v.minLength(1, 'at least one service'),
    ),
  ),
  noop_lockfile: v.optional(fileValue),
  noop_expires: v.optional(durationValue, '10m'),
  service_command: v.optional(
    v.union([template, v.strictObject({ start: template, stop: template, status: template })], COMMAND_FORMS),
  ),
  start_timeout: v.optional(durationValue, '60s'),
  stop_timeout: v.optional(durationValue, '60s'),
  step_timeout: v.optional(durationValue),
  fence_command: v.optional(v.pipe(v.string(FENCE_FORM), v.check(isFence, FENCE_FORM))),
  fence_timeout: v.optional(durationValue, '60s'),
  consul: consulValue,
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

/** A step takes as long as all services may, one after the other, or the fence. */
function withServices({ local_services, step_timeout, ...rest }: v.InferOutput<typeof SCHEMA>): InitFile {
  const services = local_services ?? [rest.name]
  const fenceMs = rest.fence_command === undefined ? 0 : rest.fence_timeout
  const neededMs = Math.max(Math.max(rest.start_timeout, rest.stop_timeout) * services.length, fenceMs)
  return { ...rest, local_services: services, step_timeout: step_timeout ?? Math.max(STEP_MS, neededMs) }
}
