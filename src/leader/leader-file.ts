import * as v from 'valibot'
import { type ConfigSchema, parseConfig, readConfig } from '../config/config-file.ts'
import { consulValue, durationValue, fileValue, textValue, wordsValue } from '../config/config-values.ts'
import { HANDLER_NAMES } from './application/handler-names.ts'
import { type LagBound, parseLagBound } from './application/lag.ts'
import { MYSQL_SECTION } from './application/mysql/mysql-options.ts'
import { POSTGRES_SECTION } from './application/postgres/postgres-options.ts'
import { REDIS_OPTIONS } from './application/redis/redis-options.ts'
import { APPLICATION_NAME } from './cluster/leader-keys.ts'
import { isRoleTag } from './machine/role-tag.ts'

const NAME = 'a name of letters, digits, . _ and -'
const PORT = 'a port from 1 to 65535'
const HOST_PORT = 'host:port, as 127.0.0.1:8000'
const COMMAND = 'words of a command, as [redis-cli, ping], or a line for /bin/sh'
const HEALTH = 'one of command, http, tcp'
const COUNT = 'a whole number'
const WATCHDOG_MODES = ['off', 'automatic', 'required'] as const
const WATCHDOG = 'off, automatic or required'
const DEVICE = '/dev/watchdog'
const SYSFS = '/sys/class/watchdog/watchdog0'
const LAG = 'a lag as 10s, 1048576 or 16MB'

const name = v.pipe(v.string(NAME), v.regex(APPLICATION_NAME, NAME))
const port = v.pipe(v.number(PORT), v.integer(PORT), v.minValue(1, PORT), v.maxValue(65535, PORT))
const hostPort = v.pipe(v.string(HOST_PORT), v.regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/, HOST_PORT))
const command = v.union([textValue(COMMAND), wordsValue(COMMAND)], COMMAND)
const lagBound = v.pipe(
  v.union([v.string(), v.pipe(v.number(), v.integer())], LAG),
  v.transform(String),
  v.check((text) => parseLagBound(text) !== undefined, LAG),
  v.transform((text) => parseLagBound(text) as LagBound),
)
const mode = v.picklist(WATCHDOG_MODES, WATCHDOG)
const watchdog = v.union(
  [
    v.pipe(
      mode,
      v.transform((mode) => ({ mode, device: DEVICE, sysfs: SYSFS })),
    ),
    v.strictObject({ mode, device: v.optional(fileValue, DEVICE), sysfs: v.optional(fileValue, SYSFS) }),
  ],
  WATCHDOG,
)
const count = v.pipe(v.number(COUNT), v.integer(COUNT))
const times = v.pipe(count, v.minValue(1, 'a whole number from 1 on'))

/** So many checks in a row change the verdict on an application's health, unless the file says otherwise. */
export const DEFAULT_FALL = 3
export const DEFAULT_RISE = 1

/** The ways in which a file has its application's health asked for. */
function waysOf({ command, http, tcp }: { command?: unknown; http?: unknown; tcp?: unknown }): unknown[] {
  return [command, http, tcp].filter((way) => way !== undefined)
}

const health = v.pipe(
  v.strictObject(
    {
      command: v.optional(command),
      http: v.optional(v.pipe(v.string('an http URL'), v.regex(/^http:\/\/\S+$/, 'an http:// URL'))),
      tcp: v.optional(hostPort),
      timeout: v.optional(durationValue),
      fall: v.optional(times, DEFAULT_FALL),
      rise: v.optional(times, DEFAULT_RISE),
    },
    HEALTH,
  ),
  v.check((health) => waysOf(health).length <= 1, HEALTH),
)

/**
 * The keys of `consul-locker leader`'s file. Durations are as 90s or 1.5m, and milliseconds once they are read. A
 * command is a list of words, which no shell sees, or a string, which is run by `/bin/sh -c`.
 *
 * - `name`: the application; its Consul service has this name and this id
 * - `port`, `address`: where the application is; without an address, the node's own
 * - `health`: `command` (its exit code judges, what it writes is the message), `http` (2xx) or `tcp` (connects);
 *   `fall` failures in a row make it unhealthy, one when it doesn't run; `rise` successes make it healthy again
 * - `ensure_master`, `ensure_slave`: make the application master, or slave of `{master_host}` (the node's name),
 *   `{master_address}`, `{master_port}`; run at each change and again every `interval`, so they must not mind that
 * - `demote`: the application takes no more writes; succeeds too when it doesn't run
 * - `fence`: the last resort when `demote` fails or hangs: power off, drop the address, kill the application
 * - `ready_to_lead`: succeeds when this node may become master (it has caught up)
 * - `stand_by`: nobody leads: have it run, and take no writes; `reinit`: replace its data by the master's
 * - `application`: one that we know, which needs no commands: see `application/handler-names.ts`; its options are in a
 *   section of its name
 * - `module`: a file that exports `health`, `ensureMaster`, `ensureSlave` and may export `standBy`, `reinit`,
 *   `demote`, `fence`, `readyToLead`, in place of all these commands; relative to this file
 * - `api`: where the HTTP interface listens; `check_interval`: how often Consul is told of the health at least
 * - `lock_key`: see `leader-keys.ts`; `ttl`, `lock_delay`: of the session
 * - `priority`: of several candidates the one with the highest is preferred; `nofailover`: never a candidate
 * - `on_change`: run, and not waited for, when this node's role or the master has changed
 * - `watchdog`: resets the machine when neither we nor our guardian can demote; see `guardian/watchdog-plan.ts`
 * - `max_lag`: a slave that is further behind is stale, and not in `slave.` any more; seconds with their unit, or
 *   positions
 * - `min_leader_time`: no voluntary step-down before; `max_failovers_per_hour`: then a failover waits for the
 *   last master to recover
 */
const SCHEMA = v.strictObject({
  name,
  port,
  address: v.optional(textValue('an address')),
  health: v.optional(health),
  ensure_master: v.optional(command),
  ensure_slave: v.optional(command),
  demote: v.optional(command),
  fence: v.optional(command),
  ready_to_lead: v.optional(command),
  stand_by: v.optional(command),
  reinit: v.optional(command),
  on_change: v.optional(command),
  application: v.optional(v.picklist(HANDLER_NAMES, `one of ${HANDLER_NAMES.join(', ')}`)),
  mysql: v.optional(MYSQL_SECTION),
  postgres: v.optional(POSTGRES_SECTION),
  redis: v.optional(REDIS_OPTIONS),
  module: v.optional(textValue('the path of a module')),
  api: v.optional(hostPort, '127.0.0.1:8000'),
  interval: v.optional(durationValue, '2s'),
  check_interval: v.optional(durationValue, '2s'),
  timeouts: v.optional(
    v.strictObject({
      health: v.optional(durationValue, '5s'),
      ensure: v.optional(durationValue, '60s'),
      demote: v.optional(durationValue, '5s'),
      fence: v.optional(durationValue, '5s'),
      copy: v.optional(durationValue, '24h'),
      on_change: v.optional(durationValue, '30s'),
    }),
    {},
  ),
  tags: v.optional(v.array(name, 'a list of tags'), []),
  lock_key: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9._,-]+(\/[A-Za-z0-9._,-]+)*$/, 'a key as lock/app/leader')),
  ),
  priority: v.optional(count, 0),
  nofailover: v.optional(v.boolean('true or false'), false),
  max_lag: v.optional(lagBound),
  watchdog: v.optional(watchdog, 'off'),
  min_leader_time: v.optional(durationValue, '10s'),
  max_failovers_per_hour: v.optional(v.pipe(count, v.minValue(1, 'a whole number from 1 on')), 10),
  ttl: v.optional(durationValue, '10s'),
  lock_delay: v.optional(durationValue),
  consul: consulValue,
})

type Values = v.InferOutput<typeof SCHEMA>

/** Words of a command, or a line for the shell. */
export type CommandLine = string | readonly string[]

/** An agent's configuration. Durations are in milliseconds. */
export type LeaderFile = Values

const COMMANDS = ['ensure_master', 'ensure_slave', 'stand_by', 'reinit', 'demote', 'fence', 'ready_to_lead'] as const
/** What is said about an application that we know. */
const SECTIONS = ['mysql', 'postgres', 'redis'] as const
const SECTIONS_NEEDED = ['mysql', 'postgres'] as const
const COMMANDS_NEEDED = ['health', 'ensure_master', 'ensure_slave'] as const

const FILE: ConfigSchema<Values> = {
  what: 'the configuration',
  schema: SCHEMA,
  check: (file) => {
    const doubled = twoWays(file)
    if (doubled) return { key: doubled[1], complaint: `${doubled[1]} and ${doubled[0]} are two ways to say the same` }
    const section = SECTIONS.find((name) => file[name] !== undefined && file.application !== name)
    if (section) return { key: section, complaint: `the key ${section} belongs to application: ${section}` }
    const needed = SECTIONS_NEEDED.find((name) => file[name] === undefined && file.application === name)
    if (needed) return { key: 'application', complaint: `the key ${needed} is missing, for application: ${needed}` }
    const hasCommands = file.module === undefined && file.application === undefined
    const missing = hasCommands && COMMANDS_NEEDED.find((key) => file[key] === undefined)
    if (missing) return { key: missing, complaint: `the key ${missing} is missing (or give a module)` }
    if (hasCommands && waysOf(file.health ?? {}).length === 0)
      return { key: 'health', complaint: `health: expected ${HEALTH}` }
    const tag = file.tags.find((tag) => isRoleTag(tag))
    if (tag) return { key: 'tags', complaint: `tags: the tag ${tag} tells the role, and is ours to set` }
    const tooShort = (['interval', 'check_interval'] as const).find((key) => file[key] < 100)
    if (tooShort) return { key: tooShort, complaint: `${tooShort}: expected 100ms or more` }
    return undefined
  },
}

/** Two keys that each say what is to be done to the application. */
function twoWays(file: Values): [string, string] | undefined {
  const { application, module, health } = file
  const first = application === undefined ? (module === undefined ? undefined : 'module') : 'application'
  if (first === undefined) return undefined
  if (first === 'application' && module !== undefined) return [first, 'module']
  const second = health && waysOf(health).length > 0 ? 'health' : COMMANDS.find((key) => file[key] !== undefined)
  return second && [first, second]
}

/** Reads an agent's file. Throws a `config` failure that names file, line and key. */
export function readLeaderFile(path: string): LeaderFile {
  return readConfig(FILE, path)
}

/** Reads the text of an agent's file; `path` is only named. */
export function parseLeaderFile(path: string, text: string): LeaderFile {
  return parseConfig(FILE.schema, path, text, FILE.check)
}
