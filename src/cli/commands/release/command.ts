import { withTimeout } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { Retry } from '../../../consul/retry.ts'
import { describeHolder } from '../../../lock/holder-record.ts'
import { type ReleaseAnswer, requestRelease } from '../../../run/release-request.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { lockNamed } from '../../invocation/lock-named.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { whoAsks } from '../../invocation/who-asks.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { RELEASE_SYNTAX } from './syntax.ts'

const FORM = 'consul-locker release NAME --run ID'

/** `consul-locker release NAME --run ID` */
export const releaseCommand = subcommand(RELEASE_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  const [word, ...rest] = words
  checkNoWords(rest, FORM)
  const { run: runId, timeout: timeoutMs, key: ownKey } = options
  const { name, key } = lockNamed(word, ownKey, FORM)
  if (!runId)
    throw new Failure('usage', 'no run was named', { hint: '--run takes the runId that consul-locker hold printed' })
  const late = () =>
    new Failure('timed-out', `run ${runId} didn't give ${name} back within ${formatDuration(timeoutMs)}`, {
      hint: 'is its machine alive? It will when it hears of this; if it is dead, the lock is free when its session expires',
    })
  const consul = await connect(options, environment, [`key "${key}" { policy = "write" }`])
  const retry = new Retry(consul, { waitMs: timeoutMs })
  // A Consul that doesn't answer is no holder's fault.
  const why = () => retry.whyOver(late())
  try {
    return await interruptible(ctx, signals, async (ctx) => {
      const answer = await withTimeout(ctx, timeoutMs, why, (ctx) =>
        requestRelease(ctx, consul, key, runId, whoAsks(), retry),
      )
      return statusOf(ctx, name, runId, answer)
    })
  } finally {
    consul.close()
  }
})

function statusOf(ctx: Context, name: string, runId: string, answer: ReleaseAnswer): number {
  const held = 'holder' in answer ? describeHolder(answer.holder.value, ctx.clock.now().wallMs) : ''
  switch (answer.kind) {
    case 'given-back':
      return EXIT.done
    case 'free':
      ctx.log.error(`run ${runId} doesn't hold ${name}: nobody does`)
      return EXIT.no
    case 'others':
      ctx.log.error(`run ${runId} doesn't hold ${name}: it is ${held}`)
      return EXIT.no
    case 'command':
      ctx.log.error(`${name} is ${held}, a run with a command: it gives the lock back when the command has ended`)
      ctx.log.notice(`to have that end: consul-locker unlock ${name} --yield`)
      return EXIT.no
    case 'lost':
      ctx.log.error(`run ${runId} has lost ${name} before it could give it back`)
      return EXIT.lost
  }
}
