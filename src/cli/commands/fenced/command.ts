import { Failure } from '../../../base/failure.ts'
import { type TxnOp, transact } from '../../../consul/txn.ts'
import { checkKey } from '../../../lock/lock-keys.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { enclosingRun } from '../../invocation/enclosing-run.ts'
import type { Invocation, Subcommand } from '../../invocation/invocation.ts'
import { blaming } from '../../syntax/environment-words.ts'
import { type Parsed, parse } from '../../syntax/parse.ts'
import { FENCED_SYNTAX } from './syntax.ts'

/** `consul-locker fenced put KEY VALUE` */
export const fencedCommand: Subcommand = {
  syntax: FENCED_SYNTAX,
  perform: async (invocation) => {
    const parsed = parse(FENCED_SYNTAX, invocation.words, invocation.environment)
    return blaming(parsed.inherited, () => fenced(invocation, parsed))
  },
}

async function fenced(
  { environment, context }: Invocation,
  { options, words: given }: Parsed<typeof FENCED_SYNTAX.options>,
): Promise<number> {
  const ctx = context(options)
  const [verb, key, value, ...rest] = given
  if (verb !== 'put' || key === undefined || value === undefined || rest.length > 0) {
    throw new Failure('usage', 'what is to be written?', { hint: 'consul-locker fenced put <key> <value>' })
  }
  const run = enclosingRun(environment)
  const consul = await connect(options, environment)
  const outcome = await transact(ctx, consul, [
    ...run.keys.map((key): TxnOp => ({ verb: 'check-session', key, session: run.session })),
    { verb: 'set', key: checkKey('key', key), value },
  ])
  if (outcome.done) return EXIT.done
  ctx.log.error(`the lock ${run.name} is no longer ours; ${key} was not written`)
  return EXIT.lost
}
