import * as v from 'valibot'
import { parseConfig, readConfig } from '../config/config-file.ts'
import {
  consulValue,
  durationValue,
  fileValue,
  tableValue,
  textValue,
  timeLimitValue,
  wordsValue,
  wordValue,
} from '../config/config-values.ts'
import { parseGate } from '../gate/gate-grammar.ts'
import { parsePercentage } from './percentage-of-hosts.ts'
import { objectionToRoles } from './role-check.ts'
import { parseTimeWindow } from './time-window.ts'

const COMMANDS = 'a list of commands: lines for /bin/sh, lists of words, or keys as run and ok'
const MOST_HOSTS = 1000
const SLOTS = `how many at a time, a whole number up to ${MOST_HOSTS} or a percentage as 10%; 0 for none`
const MOST_FAILURES = `how many hosts may fail, a whole number up to ${MOST_HOSTS} or a percentage as 10%`
const percentage = (what: string) => parsed(what, parsePercentage)
const hostLimit = (what: string) =>
  v.union(
    [v.pipe(v.number(what), v.integer(what), v.minValue(0, what), v.maxValue(MOST_HOSTS, what)), percentage(what)],
    what,
  )
const slots = hostLimit(SLOTS)
const line = v.union([textValue(COMMANDS), wordsValue(COMMANDS)], COMMANDS)
const CODES = 'a list of exit codes'
const codes = v.optional(
  v.array(v.pipe(v.number(CODES), v.integer(CODES), v.minValue(0, CODES), v.maxValue(255, CODES)), CODES),
  (): number[] => [],
)
/** Codes beside 0 by which a command ends well, and those by which it asks for a reboot. */
const DETAILED = v.strictObject({ run: line, ok: codes, reboot: codes })
const command = v.pipe(
  v.union([line, DETAILED], COMMANDS),
  v.transform((given) =>
    typeof given === 'string' || Array.isArray(given) ? { run: given, ok: [], reboot: [] } : given,
  ),
)
const commands = v.optional(v.array(command, COMMANDS), (): v.InferInput<typeof command>[] => [])
const FOLDER = 'a folder for all keys, as fleet/a'
const ROLES = 'a role, or a list of roles'
const roles = v.union([wordValue(ROLES), v.array(wordValue(ROLES), ROLES)], ROLES)

const GATE = 'a gate as service:mysql, kv:ready=yes or tcp:db:3306'
const gate = v.pipe(textValue(GATE), v.check(isGate, GATE), v.transform(parseGate))

const WINDOW = 'a window as Mon-Fri 09:00-16:00 or 22:00-04:00 Europe/Berlin, or a list of them'
const timeWindow = parsed(WINDOW, parseTimeWindow)
const windows = v.pipe(
  v.union([timeWindow, v.array(timeWindow, WINDOW)], WINDOW),
  v.transform((given) => (Array.isArray(given) ? given : [given])),
)
const FIRST = 'the name of a host, or a list of names'
const first = v.pipe(
  v.union([wordValue(FIRST), v.array(wordValue(FIRST), FIRST)], FIRST),
  v.transform((given) => (typeof given === 'string' ? [given] : given)),
)

const PATTERN = 'a regular expression, as \\.sh$'
const NAMES = 'a regular expression for names of hosts, as ^ora[0-9], or a list of them'
const namePattern = v.pipe(v.string(NAMES), v.check(isPattern, NAMES))
const namePatterns = v.pipe(
  v.union([namePattern, v.array(namePattern, NAMES)], NAMES),
  v.transform((given) => (typeof given === 'string' ? [given] : given).map((pattern) => new RegExp(pattern, 'u'))),
)

const LIMITS = v.strictObject({
  cluster: v.optional(slots, 1),
  roles: v.optional(tableValue(wordValue('a role'), slots), {}),
})

const VALIDATE = v.strictObject({
  dir: fileValue,
  regex: v.optional(v.pipe(v.string(PATTERN), v.check(isPattern, PATTERN))),
  allow_none: v.optional(v.boolean('true or false'), false),
})
const TESTS = 'an absolute file name, or keys as dir and regex'
const validate = v.pipe(
  v.union([fileValue, VALIDATE], TESTS),
  v.transform((given) => (typeof given === 'string' ? v.parse(VALIDATE, { dir: given }) : given)),
)

const REBOOT = v.strictObject({
  always: v.optional(v.boolean('true or false'), false),
  command: v.optional(line, (): string[] => ['systemctl', 'reboot']),
  within: v.optional(durationValue, '15m'),
})
const reboot = v.pipe(
  v.union([v.boolean('true, false or keys with values'), REBOOT], 'true, false or keys with values'),
  v.transform((given) => (typeof given === 'boolean' ? v.parse(REBOOT, { always: given }) : given)),
)

const TIMEOUTS = v.strictObject({
  upgrade: v.optional(timeLimitValue, '30m'),
  validate: v.optional(timeLimitValue, '10m'),
  fix: v.optional(timeLimitValue, '30m'),
  gates: v.optional(durationValue, '0s'),
  slot: v.optional(durationValue, '0s'),
})

const CHECKS = v.strictObject({
  upgrade: v.optional(wordValue('the id of a check'), 'puppet'),
  validation: v.optional(wordValue('the id of a check'), 'validation'),
  on: v.optional(v.picklist(['service', 'node'], 'service or node'), 'service'),
})

const SCHEMA = v.strictObject({
  host: v.optional(wordValue('the name of this host')),
  role: v.optional(wordValue('the role of this host')),
  roles: v.optional(v.array(wordValue('a role'), 'all roles of the fleet, a list')),
  role_patterns: v.optional(tableValue(wordValue('a role'), namePatterns), {}),
  prefix: v.optional(v.pipe(v.string(FOLDER), v.regex(/^(?:[\w.+~:-]+(?:\/[\w.+~:-]+)*\/?)?$/, FOLDER)), ''),
  version_file: v.optional(fileValue, '/etc/current_version'),
  limits: v.optional(LIMITS, {}),
  max_failures: v.optional(hostLimit(MOST_FAILURES), 0),
  window: v.optional(windows, (): string[] => []),
  first: v.optional(first, (): string[] => []),
  soak: v.optional(durationValue, '0s'),
  depends_on: v.optional(tableValue(wordValue('a role'), roles), {}),
  stop_on: v.optional(v.picklist(['upgraded', 'any'], 'upgraded or any'), 'upgraded'),
  gates: v.optional(v.array(gate, 'a list of gates'), (): string[] => []),
  bootstrap: commands,
  upgrade: commands,
  reboot: v.optional(reboot, false),
  validate: v.optional(validate),
  fix: commands,
  timeouts: v.optional(TIMEOUTS, {}),
  checks: v.optional(CHECKS, {}),
  consul: consulValue,
})

/** A text that is read as something; `what` says what is expected. */
function parsed<T>(what: string, parse: (text: string) => T | undefined) {
  return v.pipe(
    v.string(what),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value)
      if (value !== undefined) return value
      addIssue({ message: what })
      return NEVER
    }),
  )
}

function isGate(text: string): boolean {
  try {
    parseGate(text)
    return true
  } catch {
    return false
  }
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp
  } catch {
    return false
  }
}

/** Where the tests of a host are, and which files are tests. */
export type TestFolder = v.InferOutput<typeof VALIDATE>

/** A command, and what its exit codes mean. */
export type RolloutCommand = v.InferOutput<typeof command>

/** A line is for /bin/sh, words are for no shell. */
export function rolloutCommandWords(run: string | readonly string[]): [string, ...string[]] {
  const [first = '', ...rest] = typeof run === 'string' ? ['/bin/sh', '-c', run] : run
  return [first, ...rest]
}

/** What `rollout.yaml` says. Durations are in milliseconds. */
export type RolloutFile = v.InferOutput<typeof SCHEMA>

/** Reads a rollout's file. Throws a `config` failure that names file, line and key. */
export function readRolloutFile(path: string): RolloutFile {
  return readConfig({ what: 'the rollout file', schema: SCHEMA, check: objectionToRoles }, path)
}

/** Reads its text; `path` is only named. */
export function parseRolloutFile(path: string, text: string): RolloutFile {
  return parseConfig(SCHEMA, path, text, objectionToRoles)
}
