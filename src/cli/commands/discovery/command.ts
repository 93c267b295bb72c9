import { Failure } from '../../../base/failure.ts'
import { quoted } from '../../../base/printable.ts'
import { TokenClient } from '../../../discovery/token-client.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { readSecret } from '../../options/secret-file.ts'
import { print } from '../../output/print.ts'
import { checkNoStrayOption } from '../../syntax/stray-options.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { lookup, publish } from './discovery-client.ts'
import { serve } from './discovery-serve.ts'
import { DISCOVERY_SYNTAX, type DiscoveryCommandOptions } from './syntax.ts'

const SERVE_TAKES = ['listen', 'expire', 'rate-limit']
const LOOKUP_TAKES = ['url', 'wait', 'json']
/** The options that not all words take. */
const PARTIAL = [...SERVE_TAKES, ...LOOKUP_TAKES]

/** `consul-locker discovery serve|new|publish|lookup|delete` */
export const discoveryCommand = subcommand(DISCOVERY_SYNTAX, async (request) => {
  const { ctx, options, given, words, command = [], environment, signals } = request
  const [verb, ...rest] = [...words, ...command]
  const secret = readSecret(options['secret-file'])
  if (verb === 'serve') {
    checkNoStrayOption('discovery serve', given, PARTIAL, SERVE_TAKES)
    checkNoWords(rest, 'consul-locker discovery serve')
    return serve(request, secret)
  }
  if (verb !== 'new' && verb !== 'publish' && verb !== 'lookup' && verb !== 'delete') {
    const hint = 'consul-locker discovery serve, new, publish, lookup or delete'
    throw new Failure('usage', verb === undefined ? 'discover what?' : `there is no discovery ${quoted(verb)}`, {
      hint,
    })
  }
  checkNoStrayOption(`discovery ${verb}`, given, PARTIAL, verb === 'lookup' ? LOOKUP_TAKES : ['url'])
  const client = new TokenClient(urlOf(options), secret)
  return interruptible(ctx, signals, async (ctx) => {
    if (verb === 'new') {
      checkNoWords(rest, 'consul-locker discovery new --url U')
      return print(await client.create(ctx))
    }
    const [token, ...servers] = rest
    checkToken(token)
    if (verb === 'publish') return publish(ctx, client, token, servers, options, environment)
    checkNoWords(servers, `consul-locker discovery ${verb} --url U TOKEN`)
    if (verb === 'delete') {
      await client.remove(ctx, token)
      return EXIT.done
    }
    return lookup(ctx, client, token, options.wait, options.json)
  })
})

function checkToken(token: string | undefined): asserts token is string {
  if (token === undefined) throw new Failure('usage', 'no token was given', { hint: 'see consul-locker discovery -h' })
  if (/^[0-9a-f]{32}$/.test(token)) return
  throw new Failure('usage', `${quoted(token)} is no discovery token`, { hint: '32 hexadecimal digits' })
}

function urlOf({ url }: DiscoveryCommandOptions): URL {
  if (url !== undefined) return url
  throw new Failure('usage', 'where are the tokens served?', { hint: 'give --url' })
}
