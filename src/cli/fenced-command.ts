import { Failure } from '../base/failure.ts'
import { transact } from '../consul/txn.ts'
import { checkKey } from '../lock/keys.ts'
import { connect } from './connect.ts'
import { enclosingRun } from './enclosing-run.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { CONSUL_OPTIONS, OUTPUT_OPTIONS } from './options.ts'
import { givenIn, parse, type Syntax } from './parse.ts'

const SYNTAX: Syntax = {
  usage: `consul-locker fenced [options] put <key> <value>

Inside a run: writes a key of Consul's, but only while the lock is ours. Check
and write are one transaction, so a holder that was cut off can't write.`,
  options: { ...CONSUL_OPTIONS, ...OUTPUT_OPTIONS },
  often: [],
  examples: ['consul-locker fenced put config/primary "$(hostname)"'],
  epilogue: 'Exit codes: 0 written; 6 the lock is not ours, nothing was written; 2, 3, 4\nas for a run.',
}

/** `consul-locker fenced put KEY VALUE`. Settles with the exit code. */
export async function fencedCommand({ words, environment, context }: Invocation): Promise<number> {
  const parsed = parse(SYNTAX, words, environment)
  const ctx = context(parsed.options)
  const [verb, key, value, ...rest] = parsed.words
  if (verb !== 'put' || key === undefined || value === undefined || rest.length > 0) {
    throw new Failure('usage', 'what is to be written?', { hint: 'consul-locker fenced put <key> <value>' })
  }
  const run = enclosingRun(environment)
  const consul = await connect(givenIn(parsed), environment)
  const outcome = await transact(ctx, consul, [
    { verb: 'check-session', key: run.key, session: run.session },
    { verb: 'set', key: checkKey('key', key), value },
  ])
  if (outcome.done) return 0
  ctx.log.error(`the lock ${run.name} is no longer ours; ${key} was not written`)
  return EXIT.lost
}
