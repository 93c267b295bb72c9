import * as v from 'valibot'
import { parseConfig, readConfig } from '../config/config-file.ts'
import { consul, duration, file, table, text, word, words } from '../config/values.ts'
import { parseGate } from '../gate/grammar.ts'
import { objectionToRoles } from './role-check.ts'

const COMMANDS = 'a list of commands: lines for /bin/sh, lists of words, or keys as run and ok'
const SLOTS = 'how many at a time, a whole number; 0 for none'
const slots = v.pipe(v.number(SLOTS), v.integer(SLOTS), v.minValue(0, SLOTS), v.maxValue(1000, SLOTS))
const line = v.union([text(COMMANDS), words(COMMANDS)], COMMANDS)
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
const roles = v.union([word(ROLES), v.array(word(ROLES), ROLES)], ROLES)

const GATE = 'a gate as service:mysql, kv:ready=yes or tcp:db:3306'
const gate = v.pipe(text(GATE), v.check(isGate, GATE), v.transform(parseGate))

const LIMITS = v.strictObject({
  cluster: v.optional(slots, 1),
  roles: v.optional(table(word('a role'), slots), {}),
})

const PATTERN = 'a regular expression, as \\.sh$'
const VALIDATE = v.strictObject({
  dir: file,
  regex: v.optional(v.pipe(v.string(PATTERN), v.check(isPattern, PATTERN))),
  allow_none: v.optional(v.boolean('true or false'), false),
})
const TESTS = 'an absolute file name, or keys as dir and regex'
const validate = v.pipe(
  v.union([file, VALIDATE], TESTS),
  v.transform((given) => (typeof given === 'string' ? v.parse(VALIDATE, { dir: given }) : given)),
)

const REBOOT = v.strictObject({
  always: v.optional(v.boolean('true or false'), false),
  command: v.optional(line, (): string[] => ['systemctl', 'reboot']),
  within: v.optional(duration, '15m'),
})
const reboot = v.pipe(
  v.union([v.boolean('true, false or keys with values'), REBOOT], 'true, false or keys with values'),
  v.transform((given) => (typeof given === 'boolean' ? v.parse(REBOOT, { always: given }) : given)),
)

const TIMEOUTS = v.strictObject({
  upgrade: v.optional(duration, '30m'),
  validate: v.optional(duration, '10m'),
  fix: v.optional(duration, '30m'),
  gates: v.optional(duration, '0s'),
  slot: v.optional(duration, '0s'),
})

const CHECKS = v.strictObject({
  upgrade: v.optional(word('the id of a check'), 'puppet'),
  validation: v.optional(word('the id of a check'), 'validation'),
  on: v.optional(v.picklist(['service', 'node'], 'service or node'), 'service'),
})

const SCHEMA = v.strictObject({
  host: v.optional(word('the name of this host')),
  role: v.optional(word('the role of this host')),
  roles: v.optional(v.array(word('a role'), 'all roles of the fleet, a list')),
  prefix: v.optional(v.pipe(v.string(FOLDER), v.regex(/^(?:[\w.+~:-]+(?:\/[\w.+~:-]+)*\/?)?$/, FOLDER)), ''),
  version_file: v.optional(file, '/etc/current_version'),
  limits: v.optional(LIMITS, {}),
  depends_on: v.optional(table(word('a role'), roles), {}),
  stop_on: v.optional(v.picklist(['upgraded', 'any'], 'upgraded or any'), 'upgraded'),
  gates: v.optional(v.array(gate, 'a list of gates'), (): string[] => []),
  upgrade: commands,
  reboot: v.optional(reboot, false),
  validate: v.optional(validate),
  fix: commands,
  timeouts: v.optional(TIMEOUTS, {}),
  checks: v.optional(CHECKS, {}),
  consul,
})

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
export type Tests = v.InferOutput<typeof VALIDATE>

/** A command, and what its exit codes mean. */
export type RolloutCommand = v.InferOutput<typeof command>

/** A line is for /bin/sh, words are for no shell. */
export function wordsOf(run: string | readonly string[]): [string, ...string[]] {
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
