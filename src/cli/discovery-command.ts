import { readFileSync } from 'node:fs'
import { quoted } from '../base/excerpt.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { parseHttpUrl } from '../discovery/target.ts'
import { TokenClient } from '../discovery/token-client.ts'
import { lookup, publish } from './discovery-client.ts'
import { serve } from './discovery-serve.ts'
import { DISCOVERY_SYNTAX } from './discovery-syntax.ts'
import { duration } from './duration.ts'
import { checkNoWords } from './instance-words.ts'
import { interruptible } from './interruptible.ts'
import type { Invocation } from './invocation.ts'
import { type Given, givenIn, parseAnywhere } from './parse.ts'
import { print } from './print.ts'

/** `consul-locker discovery serve|new|publish|lookup|delete`. Settles with the exit code. */
export async function discoveryCommand(invocation: Invocation): Promise<number> {
  const { words, environment, signals, context } = invocation
  const parsed = parseAnywhere(DISCOVERY_SYNTAX, words, environment)
  const ctx = context(parsed.options)
  const given = givenIn(parsed)
  const [verb, ...rest] = [...parsed.words, ...parsed.command]
  const secret = secretOf(given)
  if (verb === 'serve') {
    checkNoWords(rest, 'consul-locker discovery serve')
    return serve(ctx, invocation, given, secret)
  }
  if (verb !== 'new' && verb !== 'publish' && verb !== 'lookup' && verb !== 'delete') {
    const hint = 'consul-locker discovery serve, new, publish, lookup or delete'
    throw new Failure('usage', verb === undefined ? 'discover what?' : `there is no discovery ${quoted(verb)}`, {
      hint,
    })
  }
  const client = new TokenClient(urlOf(given), secret)
  return interruptible(ctx, signals, async (ctx) => {
    if (verb === 'new') {
      checkNoWords(rest, 'consul-locker discovery new --url U')
      return print(await client.create(ctx))
    }
    const [token, ...servers] = rest
    checkToken(token)
    if (verb === 'publish') return publish(ctx, client, token, servers, given, environment)
    checkNoWords(servers, `consul-locker discovery ${verb} --url U TOKEN`)
    if (verb === 'delete') {
      await client.remove(ctx, token)
      return 0
    }
    return lookup(ctx, client, token, duration('wait', given) ?? 0, parsed.options.json === true)
  })
}

function checkToken(token: string | undefined): asserts token is string {
  if (token === undefined) throw new Failure('usage', 'no token was given', { hint: 'see consul-locker discovery -h' })
  if (/^[0-9a-f]{32}$/.test(token)) return
  throw new Failure('usage', `${quoted(token)} is no discovery token`, { hint: '32 hexadecimal digits' })
}

function urlOf(given: Given): URL {
  const url = given('url')
  if (url !== undefined) return parseHttpUrl('url', url)
  throw new Failure('usage', 'where are the tokens served?', { hint: 'give --url' })
}

function secretOf(given: Given): string | undefined {
  const file = given('secret-file')
  if (file === undefined) return undefined
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (thrown) {
    throw new Failure('usage', `the secret file can't be read: ${messageOf(thrown)}`, { hint: 'see --secret-file' })
  }
  // An empty file would open the server to all.
  if (/^[!-~]+$/.test(secret)) return secret
  throw new Failure('usage', `the secret file ${file} has no secret in it`, {
    hint: 'one word of printable characters, as from: openssl rand -hex 32',
  })
}
