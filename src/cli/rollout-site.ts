import { hostname } from 'node:os'
import { Failure } from '../base/failure.ts'
import { ShellGuardian } from '../child/guardian.ts'
import { LocalVersion } from '../rollout/local-version.ts'
import { unknownRole } from '../rollout/role-check.ts'
import { parseRolloutFile, type RolloutFile, readRolloutFile } from '../rollout/rollout-file.ts'
import { checkWord, RolloutKeys, roleOf } from '../rollout/rollout-keys.ts'
import type { Site } from '../rollout/site.ts'
import { WaitFile } from '../rollout/wait-file.ts'
import { connect } from './connect.ts'
import { orFromFile } from './consul-of-file.ts'
import { forErrand } from './errands.ts'
import type { Invocation } from './invocation.ts'
import { CONSUL_OPTIONS, variableOf } from './options.ts'
import { type Given, givenIn, type Parsed } from './parse.ts'
import { userName } from './user-name.ts'

const RELEASE = ':release'

/** A host's part in a rollout, by options and file. Nothing is sent yet. Throws `usage` and `config` failures. */
export async function rolloutSite({ environment }: Invocation, parsed: Parsed): Promise<Site> {
  const asked = givenIn(parsed)
  const path = asked('file')
  const file: RolloutFile = path === undefined ? parseRolloutFile('the options', '{}') : readRolloutFile(path)
  const given = orFromFile(asked, file.consul, environment)
  const host = checkWord('host', given('host') ?? file.host ?? hostname())
  const versionFile = given('version-file') ?? file.version_file
  const role = checkWord('role', file.role ?? roleOf(host))
  const stranger = unknownRole(file, role)
  if (stranger !== undefined) {
    throw new Failure('config', `${path}: the role of ${host}: ${stranger}`, {
      hint: 'role: names it, where its name does not',
    })
  }
  const open = () => connect(given, environment)
  return {
    consul: await open(),
    connect: open,
    keys: new RolloutKeys(given('prefix') ?? file.prefix),
    file,
    host,
    role,
    local: new LocalVersion(versionFile),
    wait: new WaitFile(`${versionFile}.waiting`),
    environment,
    self: { host, pid: process.pid, user: userName() },
    startGuardian: (ctx, folder, graceMs) =>
      new ShellGuardian(ctx.clock, ctx.log, {
        graceMs,
        // Only a group and its session are ended: a service that a command has started must live on.
        marker: undefined,
        release: [process.execPath, RELEASE, folder],
        environment: forErrand(RELEASE, { ...environment, ...asVariables(given) }),
      }),
  }
}

/** How to reach Consul, as environment variables: others may read our arguments, and a token is no business of theirs. */
function asVariables(given: Given): NodeJS.ProcessEnv {
  const entries = Object.keys(CONSUL_OPTIONS).map((name) => [variableOf(name), given(name)] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}
