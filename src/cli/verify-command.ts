import { formatDuration } from '../base/duration.ts'
import { readKey } from '../consul/kv.ts'
import { askRunner } from '../run/lease-socket.ts'
import { connect } from './connect.ts'
import { duration } from './duration.ts'
import { enclosingRun } from './enclosing-run.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { CONSUL_OPTIONS, OUTPUT_OPTIONS, option } from './options.ts'
import { givenIn, parse, type Syntax } from './parse.ts'

const SYNTAX: Syntax = {
  usage: `consul-locker verify [options]

Inside a run: is the lock still ours? The runner itself answers, without a trip
to Consul; if it doesn't, Consul does.`,
  options: {
    remaining: option('Question:', 'TIME', 'and will it be for this long, whatever happens, e.g. 5s?'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  often: ['remaining'],
  examples: ['consul-locker verify --remaining 5s && ./irreversible-step'],
  epilogue: 'Exit codes: 0 it is; 6 it is not, or not for long enough; 2, 3, 4 as for a run.',
}

/** `consul-locker verify [--remaining 5s]`. Settles with the exit code. */
export async function verifyCommand({ words, environment, context }: Invocation): Promise<number> {
  const parsed = parse(SYNTAX, words, environment)
  const ctx = context(parsed.options)
  const given = givenIn(parsed)
  const run = enclosingRun(environment)
  const remainingMs = duration('remaining', given) ?? 0
  const no = (why: string) => {
    ctx.log.error(`the lock ${run.name} ${why}`)
    return EXIT.lost
  }
  const lease = await askRunner(ctx, environment, run.runId)
  if (lease) {
    if (!lease.held) return no('is no longer ours')
    const isEnough = lease.leftMs > 0 && lease.leftMs >= remainingMs
    return isEnough ? 0 : no(`is surely ours for only ${formatDuration(Math.max(0, lease.leftMs))} more`)
  }
  if (remainingMs > 0) return no("is of unknown duration: its runner doesn't answer")
  const { entry } = await readKey(ctx, await connect(given, environment), run.key, { consistent: true })
  return entry?.session === run.session ? 0 : no('is no longer ours')
}
