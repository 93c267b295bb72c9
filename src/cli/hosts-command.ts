import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import { agentSelf } from '../consul/agent.ts'
import type { Instance } from '../consul/instances.ts'
import { addressFormat, type HostFormat, hostsJson, renderHosts, templateFormat } from '../discovery/host-format.ts'
import { findHosts } from '../discovery/hosts.ts'
import { hostsRules } from './acl-rules.ts'
import { connect } from './connect.ts'
import { duration } from './duration.ts'
import { EXIT } from './exit-codes.ts'
import { checkNoWords, LABEL_OPTION, labelOf } from './instance-words.ts'
import { interruptible } from './interruptible.ts'
import type { Invocation } from './invocation.ts'
import { CONSUL_OPTIONS, OUTPUT_OPTIONS, option } from './options.ts'
import { type Given, givenIn, parseAnywhere, type Syntax } from './parse.ts'
import { print, printText } from './print.ts'
import { wholeNumber } from './whole-number.ts'

const SYNTAX: Syntax = {
  usage: `consul-locker hosts --label L

Prints the addresses of a service's healthy instances: sorted, on one line,
with commas between.`,
  options: {
    ...LABEL_OPTION,
    'exclude-self': option('Which:', 'boolean', 'none of this node'),
    min: option('Which:', 'N', 'so many, or it is a failure (1)'),
    wait: option('Which:', 'TIME', 'wait so long for them, e.g. 60s'),
    port: option('Form:', 'N', 'put this port behind every address'),
    format: option('Form:', 'FORM', "another form for each, e.g. 'http://{address}:{port}'"),
    separator: option('Form:', 'TEXT', 'what stands between them (,)'),
    json: option('Form:', 'boolean', 'a list with address, port, node, id, tags and meta of each'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  often: ['label', 'exclude-self', 'min', 'wait', 'port', 'format', 'separator', 'json'],
  examples: [
    'consul-locker hosts --label es --port 9300       10.0.0.1:9300,10.0.0.2:9300',
    'consul-locker hosts --label es --wait 5m --min 3 --exclude-self',
    "consul-locker hosts --label es --format '{id}={address}:{port}'",
  ],
  epilogue: `A format may have {address}, {port}, {node} and {id}.

Exit codes: 0 here they are; 1 too few, and nothing is printed; 2, 3, 4 as for a
run.`,
}

/** `consul-locker hosts`. Settles with the exit code. */
export async function hostsCommand({ words, environment, signals, context }: Invocation): Promise<number> {
  const parsed = parseAnywhere(SYNTAX, words, environment)
  const ctx = context(parsed.options)
  const given = givenIn(parsed)
  checkNoWords([...parsed.words, ...parsed.command], 'consul-locker hosts --label L')
  const label = labelOf(given)
  const format = formatOf(given)
  const separator = given('separator') ?? ','
  const json = parsed.options.json === true
  const min = wholeNumber('min', given, [1, 100_000]) ?? 1
  const waitMs = duration('wait', given) ?? 0
  const consul = await connect(given, environment, hostsRules(label))
  const count = (instances: readonly Instance[]) => (json ? instances : renderHosts(instances, format)).length
  const work = async (ctx: Context) => {
    const exceptNode = parsed.options['exclude-self'] ? (await agentSelf(ctx, consul)).node : undefined
    const found = await findHosts(ctx, consul, { label, exceptNode, min, waitMs, count })
    if (count(found) >= min) {
      return json ? print(hostsJson(found)) : printText(`${renderHosts(found, format).join(separator)}\n`)
    }
    const patience = waitMs > 0 ? ` within ${formatDuration(waitMs)}` : ''
    ctx.log.notice(`healthy hosts of ${label}${patience}: ${count(found)}; wanted: ${min}`)
    return EXIT.busy
  }
  try {
    return await interruptible(ctx, signals, work)
  } finally {
    consul.close()
  }
}

function formatOf(given: Given): HostFormat {
  const template = given('format')
  const port = wholeNumber('port', given, [1, 65_535])
  if (template === undefined) return addressFormat(port)
  if (port === undefined) return templateFormat(template)
  throw new Failure('usage', '--port and --format are two forms', { hint: 'put the port into the format' })
}
