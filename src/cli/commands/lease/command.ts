import { hostname } from 'node:os'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import type { Consul } from '../../../consul/consul.ts'
import { acquireLease } from '../../../discovery/lease-acquire.ts'
import { describeLease, parseLease } from '../../../discovery/lease-record.ts'
import { readLease, releaseLease } from '../../../discovery/lease-release.ts'
import { checkIsLock } from '../../../lock/lock-keys.ts'
import { leaseReaderRules, leaseRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import type { Subcommand } from '../../invocation/invocation.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { labelOf, serviceIdOf } from '../../options/instance-options.ts'
import { print } from '../../output/print.ts'
import { checkNoStrayOption } from '../../syntax/stray-options.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { ACQUIRE_LEASE_SYNTAX, LEASE_SYNTAX, type LeaseCommandOptions } from './syntax.ts'

const ACQUIRE_TAKES = ['lease-timeout', 'acquire-timeout']
const SHOW_TAKES = ['json']
/** The options that only one word takes. */
const PARTIAL = [...ACQUIRE_TAKES, ...SHOW_TAKES]

/** `consul-locker lease acquire|release|show` */
export const leaseCommand = subcommand(
  LEASE_SYNTAX,
  async ({ ctx, options, given, words, command = [], environment, signals }) => {
    const [verb, ...rest] = [...words, ...command]
    const act = actOf(verb)
    checkNoWords(rest, `consul-locker lease ${verb} --label L`)
    checkNoStrayOption(
      `lease ${verb}`,
      given,
      PARTIAL,
      act === acquire ? ACQUIRE_TAKES : act === show ? SHOW_TAKES : [],
    )
    const request = requestOf(options)
    const rulesOf = act === show ? leaseReaderRules : leaseRules
    const consul = await connect(options, environment, rulesOf(request.label))
    try {
      return await interruptible(ctx, signals, (ctx) => act(ctx, consul, request, options.json))
    } finally {
      consul.close()
    }
  },
)

/** `consul-locker acquire-lease …`, as the original has it. */
export const acquireLeaseCommand: Subcommand = {
  syntax: ACQUIRE_LEASE_SYNTAX,
  perform: (invocation) => leaseCommand.perform({ ...invocation, words: ['acquire', ...invocation.words] }),
}

type Request = ReturnType<typeof requestOf>
type Act = (ctx: Context, consul: Consul, request: Request, json: boolean) => Promise<number>

function actOf(verb: string | undefined): Act {
  if (verb === 'acquire') return acquire
  if (verb === 'release') return release
  if (verb === 'show') return show
  throw new Failure(
    'usage',
    verb === undefined ? 'what about the lease?' : `there is no lease ${JSON.stringify(verb)}`,
    {
      hint: 'consul-locker lease acquire, release or show',
    },
  )
}

function requestOf(options: LeaseCommandOptions) {
  const { 'lease-timeout': leaseMs, 'acquire-timeout': acquireMs } = options
  return { label: labelOf(options), serviceId: serviceIdOf(options), host: hostname(), leaseMs, acquireMs }
}

const acquire: Act = async (ctx, consul, request) => {
  const { label, serviceId, leaseMs, acquireMs } = request
  const end = await acquireLease(ctx, consul, request)
  if (end.kind === 'busy') {
    const holder = describeLease(end.holder, ctx.clock.now().wallMs)
    const patience = acquireMs === 0 ? 'is not free' : `was not free within ${formatDuration(acquireMs)}`
    ctx.log.error(`the start-up lease of ${label} ${patience}: ${holder}`)
    return EXIT.busy
  }
  const again = end.kind === 'again' ? ', once more,' : ''
  ctx.log.notice(`${label}: ${serviceId} has the start-up lease${again} for ${formatDuration(leaseMs)} at most`)
  return EXIT.done
}

const release: Act = async (ctx, consul, { label, serviceId }) => {
  const end = await releaseLease(ctx, consul, label, serviceId)
  if (end.kind === 'others') {
    const holder = describeLease(end.holder, ctx.clock.now().wallMs)
    ctx.log.error(`the start-up lease of ${label} is not that of ${serviceId}: ${holder}`)
    return EXIT.busy
  }
  if (end.kind === 'free') ctx.log.notice(`nobody has the start-up lease of ${label}`)
  return EXIT.done
}

const show: Act = async (ctx, consul, { label }, json) => {
  const entry = await readLease(ctx, consul, label)
  if (entry) checkIsLock(entry)
  const held = entry?.session !== undefined
  const lease = held ? parseLease(entry.value) : undefined
  if (json) print(JSON.stringify({ label, held, ...lease }))
  else print(held ? `${label}: ${describeLease(lease, ctx.clock.now().wallMs)}` : `${label}: nobody has it`)
  return held ? EXIT.done : EXIT.busy
}
