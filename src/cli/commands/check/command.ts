import { Failure } from '../../../base/failure.ts'
import { quiet } from '../../../base/quiet-log.ts'
import { check, type Takeover } from '../../../init/check.ts'
import type { CheckResult } from '../../../init/check-result.ts'
import { type InitFile, parseInitFile, readInitFile } from '../../../init/init-file.ts'
import { switcher } from '../../../init/switcher.ts'
import { initRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { orFromOwnFile } from '../../connection/consul-of-file.ts'
import { CHECK_EXIT } from '../../exit-codes.ts'
import { type CommandRequest, subcommand } from '../../invocation/subcommand.ts'
import { print } from '../../output/print.ts'
import { type CheckKind, excuseOf, isCheckKind, observerOf } from './check-observer.ts'
import { CHECK_KINDS, CHECK_SYNTAX, type CheckCommandOptions } from './syntax.ts'

/** `consul-locker check KIND`. Settles with the exit code of a script check. */
export const checkCommand = subcommand(CHECK_SYNTAX, async (request) => {
  const [kind] = request.words
  if (!isCheckKind(kind)) {
    throw new Failure('usage', kind === undefined ? 'check what?' : `there is no check ${JSON.stringify(kind)}`, {
      hint: `the checks are ${Object.keys(CHECK_KINDS).join(', ')}`,
    })
  }
  return judge(request, kind)
})

async function judge({ ctx, options, environment }: CommandRequest<typeof CHECK_SYNTAX.options>, kind: CheckKind) {
  try {
    const path = options.file
    const file = path === undefined ? fileFrom(options) : readInitFile(path)
    const takeover = options['update-roles'] ? takeoverBy(path, environment) : undefined
    const observe = observerOf(kind, file, options, environment)
    const consul = await connect(orFromOwnFile(options, file.consul, environment), environment, initRules(file))
    try {
      // Consul keeps what we write together with the line of JSON.
      const result = await check(quiet(ctx), {
        consul,
        file,
        observe,
        tags: options.nodns,
        takeover,
        ...excuseOf(kind, options),
      })
      const code = CHECK_EXIT[result.health]
      print(JSON.stringify(asLine(result, code)))
      return code
    } finally {
      consul.close()
    }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    print(
      JSON.stringify({
        type: kind,
        state: 'unknown',
        code: CHECK_EXIT.critical,
        error: thrown.message,
        hint: thrown.hint,
      }),
    )
    return CHECK_EXIT.critical
  }
}

/** As those know it who read the line of JSON. */
function asLine({ health: _, noop, notes, tookOver, ...seen }: CheckResult, code: number) {
  return { ...seen, code, noop, notes, tookOver }
}

function takeoverBy(path: string | undefined, environment: NodeJS.ProcessEnv): Takeover {
  if (path !== undefined) return { path, environment, who: switcher('check --update-roles') }
  throw new Failure('usage', '--update-roles needs the init script', { hint: 'give --file' })
}

/** Options in place of an init script. */
function fileFrom(options: CheckCommandOptions): InitFile {
  const service = options['consul-service']
  if (service === undefined)
    throw new Failure('usage', 'no Consul service was named', { hint: 'give --consul-service, or --file' })
  const command = options['service-command']
  const settings = {
    name: service,
    consul_service: service,
    cluster_key: options['cluster-key'],
    service_filter: options['service-filter'],
    local_services: (options.service ?? service).split(',').map((name) => name.trim()),
    noop_lockfile: options['noop-file'],
    noop_expires: `${options['noop-expires']}ms`,
    service_command: command,
  }
  return parseInitFile('the options', JSON.stringify(settings))
}
