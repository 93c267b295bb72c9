import { resolve } from 'node:path'
import { Failure } from '../base/failure.ts'
import { shellStatus } from '../child/exit-status.ts'
import { checkSurroundings } from '../child/guardian-needs.ts'
import { unlessInterrupted } from '../child/interruption.ts'
import { takeMutex } from '../host/mutex.ts'
import { step } from '../rollout/step.ts'
import type { Ending } from '../rollout/works.ts'
import { rolloutRules } from './acl-rules.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { print } from './print.ts'
import type { Question } from './rollout-question.ts'

const FAILED = 1

const CODE: Record<Ending['kind'], number> = {
  idle: 0,
  waiting: 0,
  upgraded: 0,
  mended: 0,
  rebooting: 0,
  failed: FAILED,
  lost: EXIT.lost,
}

/**
 * `consul-locker rollout step -f FILE`. Settles with the exit code. The first signal has the command that runs stopped
 * and the slots given back; a second one doesn't wait for that, and the guardian does it.
 */
export async function rolloutStep(
  { signals, environment }: Invocation,
  { ctx, site, options }: Question,
): Promise<number> {
  if (options.file === undefined) {
    throw new Failure('usage', 'a step needs to know what to do', {
      hint: 'consul-locker rollout step -f rollout.yaml',
    })
  }
  checkSurroundings(environment.PATH)
  site.consul.rules = rolloutRules(site.keys)
  const end = (ending: Ending | { kind: 'busy'; why: string }) => {
    if (options.json) print(JSON.stringify({ host: site.host, ...ending }))
  }
  // What a killed step has left running is kept apart by the host's slot in Consul.
  using turn = takeMutex(ctx, environment, `rollout ${resolve(site.local.file)}`)
  if (!turn) {
    const why = 'another step of this host is running'
    ctx.log.notice(why)
    end({ kind: 'busy', why })
    return 0
  }
  const ending = await unlessInterrupted(ctx, signals, (ctx) => step(ctx, site))
  if (ending.kind === 'interrupted') {
    ctx.log.warn('interrupted; the next step goes on')
    return shellStatus(ending)
  }
  const { kind, why, isStopped = false } = ending
  if (kind === 'failed' || kind === 'lost') ctx.log.error(why)
  else if (isStopped) ctx.log.warn(why)
  else ctx.log.notice(why)
  end({ kind, why })
  return CODE[ending.kind]
}
