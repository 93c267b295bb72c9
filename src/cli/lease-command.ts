import { hostname } from 'node:os'
import type { Context } from '../base/context.ts'
import { formatDuration } from '../base/duration.ts'
import { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import { acquireLease } from '../discovery/lease-acquire.ts'
import { describeLease, LONGEST_LEASE_MS, parseLease } from '../discovery/lease-record.ts'
import { readLease, releaseLease } from '../discovery/lease-release.ts'
import { leaseRules } from './acl-rules.ts'
import { connect } from './connect.ts'
import { duration } from './duration.ts'
import { EXIT } from './exit-codes.ts'
import { checkNoWords, labelOf, serviceIdOf } from './instance-words.ts'
import { interruptible } from './interruptible.ts'
import type { Invocation } from './invocation.ts'
import { LEASE_SYNTAX } from './lease-syntax.ts'
import { type Given, givenIn, parseAnywhere } from './parse.ts'
import { print } from './print.ts'

const LEASE_MS = 240_000
const ACQUIRE_MS = 360_000
const SHORTEST_LEASE_MS = 1000

/** `consul-locker acquire-lease …`, as the original has it. */
export function acquireLeaseCommand(invocation: Invocation): Promise<number> {
  return leaseCommand({ ...invocation, words: ['acquire', ...invocation.words] })
}

/** `consul-locker lease acquire|release|show`. Settles with the exit code. */
export async function leaseCommand({ words, environment, signals, context }: Invocation): Promise<number> {
  const parsed = parseAnywhere(LEASE_SYNTAX, words, environment)
  const ctx = context(parsed.options)
  const given = givenIn(parsed)
  const [verb, ...rest] = [...parsed.words, ...parsed.command]
  const act = actOf(verb)
  checkNoWords(rest, `consul-locker lease ${verb} --label L`)
  const request = requestOf(given)
  const consul = await connect(given, environment, leaseRules(request.label))
  try {
    return await interruptible(ctx, signals, (ctx) => act(ctx, consul, request, parsed.options.json === true))
  } finally {
    consul.close()
  }
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

function requestOf(given: Given) {
  const leaseMs = duration('lease-timeout', given) ?? LEASE_MS
  if (leaseMs < SHORTEST_LEASE_MS || leaseMs > LONGEST_LEASE_MS) {
    throw new Failure('usage', `--lease-timeout ${given('lease-timeout')} is no length for a lease`, {
      hint: 'from 1s to 24h',
    })
  }
  return {
    label: labelOf(given),
    serviceId: serviceIdOf(given),
    host: hostname(),
    leaseMs,
    acquireMs: duration('acquire-timeout', given) ?? ACQUIRE_MS,
  }
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
  return 0
}

const release: Act = async (ctx, consul, { label, serviceId }) => {
  const end = await releaseLease(ctx, consul, label, serviceId)
  if (end.kind === 'others') {
    const holder = describeLease(end.holder, ctx.clock.now().wallMs)
    ctx.log.error(`the start-up lease of ${label} is not that of ${serviceId}: ${holder}`)
    return EXIT.busy
  }
  if (end.kind === 'free') ctx.log.notice(`nobody has the start-up lease of ${label}`)
  return 0
}

const show: Act = async (ctx, consul, { label }, json) => {
  const entry = await readLease(ctx, consul, label)
  const held = entry?.session !== undefined
  const lease = held ? parseLease(entry.value) : undefined
  if (json) print(JSON.stringify({ label, held, ...lease }))
  else print(held ? `${label}: ${describeLease(lease, ctx.clock.now().wallMs)}` : `${label}: nobody has it`)
  return held ? 0 : EXIT.busy
}
