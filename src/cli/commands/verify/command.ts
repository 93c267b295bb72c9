import { formatDuration } from '../../../base/duration.ts'
import { readKey } from '../../../consul/kv.ts'
import { stateFolders } from '../../../host/state-folder.ts'
import { askRunner } from '../../../run/lease-socket.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { enclosingRun } from '../../invocation/enclosing-run.ts'
import type { Invocation, Subcommand } from '../../invocation/invocation.ts'
import { blaming } from '../../syntax/environment-words.ts'
import { type Parsed, parse } from '../../syntax/parse.ts'
import { VERIFY_SYNTAX } from './syntax.ts'

/** `consul-locker verify [--remaining 5s]` */
export const verifyCommand: Subcommand = {
  syntax: VERIFY_SYNTAX,
  perform: async (invocation) => {
    const parsed = parse(VERIFY_SYNTAX, invocation.words, invocation.environment)
    return blaming(parsed.inherited, () => verify(invocation, parsed))
  },
}

async function verify(
  { environment, context }: Invocation,
  { options }: Parsed<typeof VERIFY_SYNTAX.options>,
): Promise<number> {
  const ctx = context(options)
  const run = enclosingRun(environment)
  const { remaining: remainingMs } = options
  const no = (why: string) => {
    ctx.log.error(`the lock ${run.name} ${why}`)
    return EXIT.lost
  }
  const lease = await askRunner(ctx, stateFolders(environment), run.runId, remainingMs > 0)
  if (lease) {
    if (!lease.held) return no('is no longer ours')
    const isEnough = lease.leftMs > 0 && lease.leftMs >= remainingMs
    return isEnough ? EXIT.done : no(`is surely ours for only ${formatDuration(Math.max(0, lease.leftMs))} more`)
  }
  if (remainingMs > 0) return no("is of unknown duration: its runner doesn't answer")
  const consul = await connect(options, environment)
  for (const key of run.keys) {
    const { entry } = await readKey(ctx, consul, key, { consistent: true })
    if (entry?.session !== run.session) return no('is no longer ours')
  }
  return EXIT.done
}
