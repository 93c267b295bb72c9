import type { Context } from '../base/context.ts'
import { Failure } from '../base/failure.ts'
import { type InitFile, parseInitFile, readInitFile } from '../init/init-file.ts'
import { LocalServices } from '../init/local-services.ts'
import { isNoop } from '../init/noop-lockfile.ts'
import { observeCrontab, observeProcess, uidOf } from '../init/observe.ts'
import { standingOf } from '../init/standing.ts'
import { type Observation, together, verdictOn } from '../init/verdict.ts'
import { CHECK_SYNTAX } from './check-syntax.ts'
import { connect } from './connect.ts'
import { orFromFile } from './consul-of-file.ts'
import { duration } from './duration.ts'
import type { Invocation } from './invocation.ts'
import { type Given, givenIn, helpOf, parseAnywhere } from './parse.ts'
import { print } from './print.ts'

const KINDS = ['service', 'servicegroup', 'process', 'crontab'] as const

type Kind = (typeof KINDS)[number]

const CRITICAL = 2
const NOOP_EXPIRES_MS = 600_000

/** `consul-locker check KIND`. Settles with the exit code of a script check. */
export async function checkCommand(invocation: Invocation): Promise<number> {
  const { words, environment } = invocation
  const parsed = parseAnywhere(CHECK_SYNTAX, words, environment)
  const [kind] = parsed.words
  if (parsed.options.help) return print(await helpOf(CHECK_SYNTAX))
  const ctx = invocation.context(parsed.options)
  if (!isKind(kind)) {
    throw new Failure('usage', kind === undefined ? 'check what?' : `there is no check ${JSON.stringify(kind)}`, {
      hint: `the checks are ${KINDS.join(', ')}`,
    })
  }
  return judge(ctx, invocation, kind, givenIn(parsed))
}

function isKind(word: string | undefined): word is Kind {
  return (KINDS as readonly (string | undefined)[]).includes(word)
}

async function judge(ctx: Context, { environment }: Invocation, kind: Kind, given: Given): Promise<number> {
  try {
    const path = given('file')
    const file = path === undefined ? fileFrom(given) : readInitFile(path)
    const { cluster_key, consul_service, noop_lockfile, noop_expires, consul: own } = file
    const consul = await connect(orFromFile(given, own, environment), environment)
    try {
      const cluster = { service: consul_service, key: `${cluster_key}/${consul_service}` }
      const standing = await standingOf(ctx, consul, cluster)
      const observation = await observe(ctx, kind, file, given, environment)
      // Looked at last: what was seen stopped may have been stopped under a lockfile that came meanwhile.
      const noop = noop_lockfile !== undefined && isNoop(noop_lockfile, noop_expires, ctx.clock.now().wallMs)
      const verdict = verdictOn(observation, standing, noop)
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

async function observe(
  ctx: Context,
  kind: Kind,
  file: InitFile,
  given: Given,
  environment: NodeJS.ProcessEnv,
): Promise<Observation> {
  const user = given('user')
  switch (kind) {
    case 'service':
    case 'servicegroup': {
      const services = new LocalServices(file, environment, { begin: () => {}, end: () => {}, say: () => {} })
      return { type: kind, name: file.local_services.join(','), state: together(await services.status(ctx)) }
    }
    case 'process':
      return observeProcess({ ...queryFrom(given), uid: user === undefined ? undefined : uidOf(user) })
    case 'crontab':
      if (user === undefined) throw new Failure('usage', 'whose crontab?', { hint: 'give --user' })
      return observeCrontab(user)
  }
}

function queryFrom(given: Given): { matches: (line: string) => boolean; text: string } {
  const text = given('process')
  if (text !== undefined) return { matches: (line) => line.includes(text), text }
  const source = given('process-re')
  if (source === undefined) throw new Failure('usage', 'which process?', { hint: 'give --process or --process-re' })
  try {
    const pattern = new RegExp(source)
    return { matches: (line) => pattern.test(line), text: source }
  } catch {
    throw new Failure('usage', `${JSON.stringify(source)} is no regular expression`)
  }
}
