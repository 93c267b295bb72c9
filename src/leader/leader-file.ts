import * as v from 'valibot'
import { type ConfigSchema, parseConfig, readConfig } from '../config/config-file.ts'
import { consul, duration, text, words } from '../config/values.ts'

const NAME = 'a name of letters, digits, . _ and -'
const PORT = 'a port from 1 to 65535'
const HOST_PORT = 'host:port, as 127.0.0.1:8000'
const COMMAND = 'words of a command, as [redis-cli, ping], or a line for /bin/sh'
const HEALTH = 'one of command, http, tcp'
const COUNT = 'a whole number'

const name = v.pipe(v.string(NAME), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, NAME), v.maxLength(200, NAME))
const port = v.pipe(v.number(PORT), v.integer(PORT), v.minValue(1, PORT), v.maxValue(65535, PORT))
const hostPort = v.pipe(v.string(HOST_PORT), v.regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:/]+):\d{1,5}$/, HOST_PORT))
const command = v.union([text(COMMAND), words(COMMAND)], COMMAND)
const count = v.pipe(v.number(COUNT), v.integer(COUNT))

const health = v.pipe(
  v.strictObject(
    {
      command: v.optional(command),
      http: v.optional(v.pipe(v.string('an http URL'), v.regex(/^http:\/\/\S+$/, 'an http:// URL'))),
      tcp: v.optional(hostPort),
      timeout: v.optional(duration),
    },
    HEALTH,
  ),
  v.check(({ command, http, tcp }) => [command, http, tcp].filter((way) => way !== undefined).length === 1, HEALTH),
)

/**
 * The keys of `consul-locker leader`'s file. Durations are as 90s or 1.5m, and milliseconds once they are read. A
 * command is a list of words, which no shell sees, or a string, which is run by `/bin/sh -c`.
 *
 * - `name`: the application; its Consul service has this name and this id
 * - `port`, `address`: where the application is; without an address, the node's own
 * - `health`: `command` (its exit code judges, what it writes is the message), `http` (2xx) or `tcp` (connects)
 * - `ensure_master`, `ensure_slave`: make the application master, or slave of `{master_host}` (the node's name),
 *   `{master_address}`, `{master_port}`; run at each change and again every `interval`, so they must not mind that
 * - `demote`: the application takes no more writes; succeeds too when it doesn't run
 * - `fence`: the last resort when `demote` fails or hangs: power off, drop the address, kill the application
 * - `ready_to_lead`: succeeds when this node may become master (it has caught up)
 * - `module`: a file that exports `health`, `ensureMaster`, `ensureSlave` and may export `demote`, `fence`,
 *   `readyToLead`, in place of all these commands; relative to this file
 * - `api`: where the HTTP interface listens; `check_interval`: how often Consul is told of the health at least
 * - `lock_key`: see `leader-keys.ts`; `ttl`, `lock_delay`: of the session
 * - `priority`: of several candidates the one with the highest is preferred; `nofailover`: never a candidate
 * - `min_leader_time`: no voluntary step-down before; `max_failovers_per_hour`: then a freeze until a person acts
 */
const SCHEMA = v.strictObject({
  name,
  port,
  address: v.optional(text('an address')),
  health: v.optional(health),
  ensure_master: v.optional(command),
  ensure_slave: v.optional(command),
  demote: v.optional(command),
  fence: v.optional(command),
  ready_to_lead: v.optional(command),
  module: v.optional(text('the path of a module')),
  api: v.optional(hostPort, '127.0.0.1:8000'),
  interval: v.optional(duration, '2s'),
  check_interval: v.optional(duration, '2s'),
  timeouts: v.optional(
    v.strictObject({
      health: v.optional(duration, '5s'),
      ensure: v.optional(duration, '60s'),
      demote: v.optional(duration, '5s'),
      fence: v.optional(duration, '5s'),
    }),
    {},
  ),
  tags: v.optional(v.array(name, 'a list of tags'), []),
  lock_key: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9._,-]+(\/[A-Za-z0-9._,-]+)*$/, 'a key as lock/app/leader')),
  ),
  priority: v.optional(count, 0),
  nofailover: v.optional(v.boolean('true or false'), false),
  min_leader_time: v.optional(duration, '10s'),
  max_failovers_per_hour: v.optional(v.pipe(count, v.minValue(1, 'a whole number from 1 on')), 10),
  ttl: v.optional(duration, '10s'),
  lock_delay: v.optional(duration),
  consul,
})

type Values = v.InferOutput<typeof SCHEMA>

/** Words of a command, or a line for the shell. */
export type CommandLine = string | readonly string[]

/** An agent's configuration. Durations are in milliseconds. */
export type LeaderFile = Values

const MODULE_REPLACES = ['health', 'ensure_master', 'ensure_slave', 'demote', 'fence', 'ready_to_lead'] as const
const COMMANDS_NEEDED = ['health', 'ensure_master', 'ensure_slave'] as const
const OWN_TAGS = ['master', 'slave', 'unhealthy', 'disabled']

const FILE: ConfigSchema<Values> = {
  what: 'the configuration',
  schema: SCHEMA,
  check: (file) => {
    const stray = file.module === undefined ? undefined : MODULE_REPLACES.find((key) => file[key] !== undefined)
    if (stray) return { key: stray, complaint: `${stray} and module are two ways to say the same` }
    const missing = file.module === undefined && COMMANDS_NEEDED.find((key) => file[key] === undefined)
    if (missing) return { key: missing, complaint: `the key ${missing} is missing (or give a module)` }
    const tag = file.tags.find((tag) => OWN_TAGS.includes(tag))
    if (tag) return { key: 'tags', complaint: `tags: the tag ${tag} tells the role, and is ours to set` }
    const tooShort = (['interval', 'check_interval'] as const).find((key) => file[key] < 100)
    if (tooShort) return { key: tooShort, complaint: `${tooShort}: expected 100ms or more` }
    return undefined
  },
}

/** Reads an agent's file. Throws a `config` failure that names file, line and key. */
export function readLeaderFile(path: string): LeaderFile {
  return readConfig(FILE, path)
}

/** Reads the text of an agent's file; `path` is only named. */
export function parseLeaderFile(path: string, text: string): LeaderFile {
  return parseConfig(FILE.schema, path, text, FILE.check)
}
