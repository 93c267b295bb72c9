import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { LineCounter, parseDocument } from 'yaml'
import { parseDuration } from '../base/duration.ts'
import { Failure, messageOf } from '../base/failure.ts'

const duration = v.pipe(
  v.union([v.string(), v.number()], 'a duration as 90s, 1.5m or 2h'),
  v.transform(String),
  v.check((text) => parseDuration(text) !== undefined, 'a duration as 90s, 1.5m or 2h'),
  v.transform((text) => parseDuration(text) ?? 0),
)
const word = (what: string) => v.pipe(v.string(what), v.regex(/^[A-Za-z0-9._@:-]+$/, what))
const text = (what: string) => v.pipe(v.string(what), v.nonEmpty(what))
const file = v.pipe(v.string('an absolute file name'), v.startsWith('/', 'an absolute file name'))

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
  step_timeout: v.optional(duration, '90s'),
  consul: v.optional(
    v.strictObject({
      http_addr: v.optional(text('the address of a Consul agent')),
      token_file: v.optional(file),
      ca_file: v.optional(file),
    }),
    {},
  ),
})

/** An init script's configuration. Durations are in milliseconds. */
export type InitFile = Omit<v.InferOutput<typeof SCHEMA>, 'local_services'> & {
  readonly local_services: readonly string[]
}

/** Reads an init script, which is its configuration. Throws a `config` failure that names file, line and key. */
export function readInitFile(path: string): InitFile {
  return parseInitFile(path, read(path))
}

export function parseInitFile(path: string, text: string): InitFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [error] = document.errors
  if (error) {
    const line = lines.linePos(error.pos[0]).line
    throw new Failure('config', `${path}:${line}: ${messageOf(error).split('\n', 1)[0]}`, {
      hint: 'the file must be YAML',
    })
  }
  const result = v.safeParse(SCHEMA, document.toJS())
  if (!result.success) {
    const [issue] = result.issues
    const keys = (issue.path ?? []).map((item) => item.key as string | number)
    throw new Failure('config', `${path}:${lineOf(document, lines, keys)}: ${complaint(issue, keys)}`, {
      hint: `the keys are ${Object.keys(SCHEMA.entries).join(', ')}`,
    })
  }
  const { local_services, ...rest } = result.output
  return { ...rest, local_services: local_services ?? [rest.name] }
}

function complaint(issue: v.BaseIssue<unknown>, keys: readonly (string | number)[]): string {
  const key = keys.join('.')
  if (keys.length === 0) return 'expected keys with values, as name: myservice'
  if (issue.type === 'strict_object' && issue.expected === 'never') return `there is no key ${key}`
  if (issue.received === 'undefined' || issue.input === undefined) return `the key ${key} is missing`
  return `${key}: expected ${issue.message}, got ${shown(issue.input)}`
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value)
  return json.length > 60 ? `${json.slice(0, 59)}…` : json
}

/** The line of the key, or of the nearest one above it that is there. */
function lineOf(
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
  keys: readonly (string | number)[],
): number {
  for (let depth = keys.length; depth > 0; depth--) {
    const node = document.getIn(keys.slice(0, depth), true) as { range?: [number, number, number] | null } | undefined
    if (node?.range) return lines.linePos(node.range[0]).line
  }
  const start = document.contents?.range?.[0]
  return start === undefined ? 1 : lines.linePos(start).line
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new Failure('config', `the init script ${path} can't be read: ${messageOf(thrown)}`, { cause: thrown })
  }
}
