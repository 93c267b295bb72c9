import { Failure } from '../../../base/failure.ts'
import { REQUEST_TIMEOUT_MS } from '../../../consul/consul.ts'
import { hasLeader } from '../../../consul/raft-leader.ts'
import { checkKeyWord } from '../../../rollout/rollout-keys.ts'
import { setStatusCheck } from '../../../rollout/status-checks.ts'
import { recordVersion } from '../../../rollout/versions.ts'
import { EXIT } from '../../exit-codes.ts'
import { print } from '../../output/print.ts'
import type { RolloutRequest } from './rollout-request.ts'

/** `rollout record`: what this host runs, for all to see. Without any version there is nothing to tell. */
export async function record({ ctx, rollout, words: [word], options }: RolloutRequest): Promise<number> {
  const { consul, keys, host, local } = rollout
  const version = word === undefined ? local.read() : checkKeyWord('version', word)
  if (version !== '') await recordVersion(ctx, consul, keys, { host, version })
  else ctx.log.notice(`${host} has no version yet; nothing is recorded`)
  if (options.json) print(JSON.stringify({ host, version: version === '' ? null : version }))
  return EXIT.done
}

/** Exit codes of `puppet --detailed-exitcodes` that tell of a good end: nothing was to be changed, or all of it was. */
const PUPPET_SUCCESSES = [0, 2]
const MAX_EXIT_CODE = 255

/** `rollout report upgrade|validation CODE`: a check of this host, by the exit code of what somebody else ran. */
export async function report({ ctx, rollout, words: [check = '', text = ''] }: RolloutRequest): Promise<number> {
  const { checks } = rollout.file
  const kind = (['upgrade', 'validation'] as const).find((one) => check === one || check === checks[one])
  if (kind === undefined) {
    throw new Failure('usage', `there is no check ${JSON.stringify(check)}`, { hint: 'it is upgrade or validation' })
  }
  const code = Number(text)
  if (!/^\d{1,3}$/.test(text) || code > MAX_EXIT_CODE) {
    throw new Failure('usage', `${JSON.stringify(text)} is no exit code`, { hint: 'as the shell has it in $?' })
  }
  const isWell = kind === 'upgrade' ? PUPPET_SUCCESSES.includes(code) : code === 0
  await setStatusCheck(ctx, rollout, kind, isWell ? 'passing' : 'warning', `exit code ${code}`)
  return EXIT.done
}

/** `rollout ping`: whether Consul is there to be used. */
export async function ping({ ctx, rollout, options }: RolloutRequest): Promise<number> {
  const { consul } = rollout
  const ask = (path: string) => consul.call(ctx, { method: 'GET', path, timeoutMs: REQUEST_TIMEOUT_MS, needs: '' })
  const answers = await hasLeader({ address: consul.settings.address.text, ask }).catch((thrown: unknown) => {
    ctx.signal.throwIfAborted()
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(thrown.message)
    return false
  })
  print(options.json ? JSON.stringify({ ping: answers }) : answers ? 'Connection successful' : 'Connection failed')
  return answers ? EXIT.done : EXIT.no
}
