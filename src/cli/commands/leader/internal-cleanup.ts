import { runCleanup } from '../../../leader/guardian/cleanup-command.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { internalOptions } from '../../invocation/internal-options.ts'
import type { Invocation } from '../../invocation/invocation.ts'

/** `consul-locker :leader-duty TASK`, for an agent's guardian alone. */
export async function cleanUp({ words, environment, context }: Invocation): Promise<number> {
  const options = internalOptions(environment)
  const consul = await connect(options, environment)
  const isClean = await runCleanup(context(options), consul, environment, words[0] ?? '')
  return isClean ? EXIT.done : EXIT.lost
}
