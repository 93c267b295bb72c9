import { scope } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import { type Executable, findExecutable } from '../../../child/executable.ts'
import { shellStatus } from '../../../child/exit-status.ts'
import { Interrupted } from '../../../child/interruptible-wait.ts'
import { launchDetached } from '../../../child/launch-detached.ts'
import { ENDS_US } from '../../../child/signals.ts'
import type { Consul } from '../../../consul/consul.ts'
import { type FlagChange, watchFlag } from '../../../switchover/flag-changes.ts'
import { type FlagWatch, WatchCheckpoint } from '../../../switchover/watch-checkpoint.ts'
import { EXIT } from '../../exit-codes.ts'
import type { Invocation } from '../../invocation/invocation.ts'

/** What is watched, and what is run. */
export interface WatchRequest extends FlagWatch {
  readonly key: string
}

/** Runs the command at every change of the flag, until a signal ends us; then it settles with that signal's code. */
export async function runOnTransitions(
  ctx: Context,
  { environment, signals }: Pick<Invocation, 'environment' | 'signals'>,
  consul: Consul,
  request: WatchRequest,
): Promise<number> {
  const [name, ...args] = request.command
  const command = findExecutable([name ?? '', ...args], environment.PATH)
  using stop = scope(ctx.signal)
  using _listening = signals.listen((signal) => {
    if (ENDS_US.includes(signal)) stop.abort(new Interrupted(signal))
  })
  try {
    const memory = new WatchCheckpoint(consul, request)
    return await watchFlag({ ...ctx, signal: stop.signal }, consul, request.key, memory, async (ctx, transition) => {
      ctx.log.notice(`${request.key}: ${transition.from} -> ${transition.to}`)
      const code = await runOnce(ctx, command, { ...environment, ...variablesOf(request, transition) })
      if (code !== 0) ctx.log.warn(`${name} ended with ${code} at ${request.key} ${transition.to}; trying again`)
      return code === 0
    })
  } catch (thrown) {
    if (!(thrown instanceof Interrupted)) throw thrown
    return shellStatus(thrown)
  }
}

/** Our variables are not those of a run: what is started here holds no lock. */
function variablesOf({ service, node, direction }: WatchRequest, { from, to }: FlagChange): NodeJS.ProcessEnv {
  return {
    CONSUL_LOCKER_FLAG: direction,
    CONSUL_LOCKER_FLAG_VALUE: to,
    CONSUL_LOCKER_FLAG_BEFORE: from,
    CONSUL_LOCKER_FLAG_SERVICE: service,
    CONSUL_LOCKER_FLAG_NODE: node,
  }
}

/** Runs the command to its end, which it is asked for when we are to end; what it has started stays. */
async function runOnce(ctx: Context, command: Executable, environment: NodeJS.ProcessEnv): Promise<number> {
  const name = `CONSUL_LOCKER_FLAG_WATCH_${process.pid}`
  const launch = { command, environment: { ...environment, [name]: '1' }, marker: `${name}=1` }
  const child = await launchDetached(launch).catch((thrown: unknown) => {
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(thrown.message)
    return undefined
  })
  if (!child) return EXIT.notFound
  const end = () => child.forward('SIGTERM')
  ctx.signal.addEventListener('abort', end, { once: true })
  try {
    return shellStatus(await child.exited)
  } finally {
    ctx.signal.removeEventListener('abort', end)
  }
}
