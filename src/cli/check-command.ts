import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { type CheckRequest, check, type Takeover } from '../init/check.ts'
import { observeCrontab } from '../init/crontab.ts'
import { type InitFile, parseInitFile, readInitFile } from '../init/init-file.ts'
import { SILENT } from '../init/init-script.ts'
import { LocalServices } from '../init/local-services.ts'
import { parseNagiosArgs } from '../init/nagios-args.ts'
import { expression, observeProcesses, type ProcessQuery, uidOf } from '../init/process-count.ts'
import { SOME } from '../init/thresholds.ts'
import { type Observation, together } from '../init/verdict.ts'
import { initRules } from './acl-rules.ts'
import { CHECK_SYNTAX } from './check-syntax.ts'
import { connect } from './connect.ts'
import { orFromOwnFile } from './consul-of-file.ts'
import { duration } from './duration.ts'
import type { Invocation } from './invocation.ts'
import { type Given, givenIn, type Parsed, parseAnywhere } from './parse.ts'
import { print } from './print.ts'
import { switcher } from './switcher.ts'

const KINDS = ['service', 'servicegroup', 'process', 'crontab'] as const

type Kind = (typeof KINDS)[number]

const CRITICAL = 2
const NOOP_EXPIRES_MS = 600_000

/** `consul-locker check KIND`. Settles with the exit code of a script check. */
export async function checkCommand(invocation: Invocation): Promise<number> {
  const { words, environment } = invocation
  const parsed = parseAnywhere(CHECK_SYNTAX, withJoined(words), environment)
  const [kind] = parsed.words
  const ctx = invocation.context(parsed.options)
  if (!isKind(kind)) {
    throw new Failure('usage', kind === undefined ? 'check what?' : `there is no check ${JSON.stringify(kind)}`, {
      hint: `the checks are ${KINDS.join(', ')}`,
    })
  }
  return judge(ctx, invocation, kind, parsed, givenIn(parsed))
}

/** The value of -n begins with a dash, as options do; with an equals sign it is taken for what it is. */
function withJoined(words: readonly string[]): string[] {
  const at = words.findIndex((word) => word === '-n' || word === '--nagios-args')
  const value = words[at + 1]
  if (at < 0 || value === undefined) return [...words]
  return [...words.slice(0, at), `--nagios-args=${value}`, ...words.slice(at + 2)]
}

function isKind(word: string | undefined): word is Kind {
  return (KINDS as readonly (string | undefined)[]).includes(word)
}

async function judge(ctx: Context, invocation: Invocation, kind: Kind, { options }: Parsed, given: Given) {
  const { environment } = invocation
  try {
    const path = given('file')
    const file = path === undefined ? fileFrom(given) : readInitFile(path)
    const takeover = options['update-roles'] === true ? takeoverBy(path, environment) : undefined
    const observe = observerOf(kind, file, given, environment)
    const consul = await connect(orFromOwnFile(given, file.consul, environment), environment, initRules(file))
    try {
      const tags = options.nodns === true
      const verdict = await check(quiet(ctx), { consul, file, observe, tags, takeover, ...excuseOf(kind, given) })
      print(JSON.stringify(verdict))
      return verdict.code
    } finally {
      consul.close()
    }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    print(JSON.stringify({ type: kind, state: 'unknown', code: CRITICAL, error: thrown.message, hint: thrown.hint }))
    return CRITICAL
  }
}

/** Consul keeps what we write together with the line of JSON. */
function quiet(ctx: Context): Context {
  return { ...ctx, log: { ...ctx.log, notice: () => {}, warn: (sentence) => ctx.log.debug(sentence) } }
}

function takeoverBy(path: string | undefined, environment: NodeJS.ProcessEnv): Takeover {
  if (path !== undefined) return { path, environment, who: switcher('check --update-roles') }
  throw new Failure('usage', '--update-roles needs the init script', { hint: 'give --file' })
}

/** Options in place of an init script. */
function fileFrom(given: Given): InitFile {
  const service = given('consul-service')
  if (service === undefined)
    throw new Failure('usage', 'no Consul service was named', { hint: 'give --consul-service, or --file' })
  const command = given('service-command')
  const settings = {
    name: service,
    consul_service: service,
    cluster_key: given('cluster-key') ?? 'cluster/production',
    local_services: (given('service') ?? service).split(',').map((name) => name.trim()),
    noop_lockfile: given('noop-file'),
    noop_expires: `${duration('noop-expires', given) ?? NOOP_EXPIRES_MS}ms`,
    service_command: command,
  }
  return parseInitFile('the options', JSON.stringify(settings))
}

function observerOf(
  kind: Kind,
  file: InitFile,
  given: Given,
  environment: NodeJS.ProcessEnv,
): (ctx: Context) => Promise<Observation> {
  const user = given('user')
  switch (kind) {
    case 'service':
    case 'servicegroup': {
      const services = new LocalServices(file, environment, SILENT)
      return async (ctx) => {
        return { type: kind, name: file.local_services.join(','), state: together(await services.status(ctx)) }
      }
    }
    case 'process': {
      const query = queryFrom(given)
      return async () => observeProcesses(query)
    }
    case 'crontab':
      if (user === undefined) throw new Failure('usage', 'whose crontab?', { hint: 'give --user' })
      return async () => observeCrontab(user)
  }
}

/** As python-powerconsul has it: other things than a process pass while such a process runs. */
function excuseOf(kind: Kind, given: Given): Pick<CheckRequest, 'excuse'> {
  if (kind === 'process' || (given('process') ?? given('process-re')) === undefined) return {}
  const { text, tests } = queryFrom(given)
  const query = { text, tests, thresholds: SOME }
  return { excuse: () => (observeProcesses(query).state === 'running' ? `the process ${text}` : undefined) }
}

function queryFrom(given: Given): ProcessQuery {
  const [part, source, args, user] = [given('process'), given('process-re'), given('nagios-args'), given('user')]
  if (part === undefined && source === undefined && args === undefined) {
    throw new Failure('usage', 'which process?', { hint: 'give --process, --process-re or --nagios-args' })
  }
  const { tests, thresholds } = args === undefined ? { tests: [], thresholds: SOME } : parseNagiosArgs(args)
  const all = [...tests]
  if (part !== undefined) all.push(({ line }) => line.includes(part))
  if (source !== undefined) {
    const pattern = expression(source)
    all.push(({ line }) => pattern.test(line))
  }
  if (user !== undefined) {
    const wanted = uidOf(user)
    all.push(({ uid }) => uid === wanted)
  }
  const text = [part, source, args].filter((words) => words !== undefined).join(' ')
  return { text, tests: all, thresholds }
}
