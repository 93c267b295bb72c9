import { Failure } from '../../../base/failure.ts'
import { LONGEST_PAUSE_MS } from '../../../lock/pause.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LOCK_KEY } from '../../options/lock-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Parse, type Values } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

const pauseLength: Parse<number> = (text, name) => {
  const ms = duration(text, name)
  if (ms >= 1000 && ms <= LONGEST_PAUSE_MS) return ms
  throw new Failure('usage', `--${name} ${JSON.stringify(text)} is no length for a pause`, { hint: 'from 1s to 30d' })
}

const SCOPE = { all: flag('Pause:', 'every lock, also those that are yet to come'), key: LOCK_KEY }

/** `consul-locker pause NAME|--all --for TIME` */
export const PAUSE_SYNTAX = {
  summary: 'let nobody get a lock for a while',
  usage: `consul-locker pause NAME|--all --for TIME [--reason TEXT] [options]

Nobody gets the lock until the time is over, or until consul-locker resume: a
run that starts meanwhile waits, or gives up as --no-wait and --wait say, and
tells why. What runs under it goes on; pause says what that is. The pause ends
by itself, by the clock of each machine that starts something.`,
  options: {
    for: option('Pause:', 'TIME', 'from now on for so long: 90s, 2h, at most 30d', pauseLength),
    reason: option('Pause:', 'TEXT', 'what waiting runs tell as the reason (200 characters)'),
    ...SCOPE,
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['for', 'reason', 'all', 'key', 'http-addr', 'token-file', 'quiet'],
  examples: [
    'consul-locker pause backup --for 2h --reason "the database moves"',
    'consul-locker pause --all --for 30m --reason "network maintenance"',
  ],
  epilogue: `Runs heed it, and hold. The leader, a rollout (it has a pause of its own), an
init script and leases don't. A pause that is on gets longer by another one, and
never shorter: resume first.

Exit codes: 0 it is paused for that time, at least; 2, 3, 4 as for a run.`,
} satisfies Syntax

/** `consul-locker resume NAME|--all` */
export const RESUME_SYNTAX = {
  summary: 'end a pause',
  usage: `consul-locker resume NAME|--all [options]

Ends a pause, whoever began it: who waited goes on in the order of the line.
A pause of all locks is ended by --all, and not by a name.`,
  options: { ...SCOPE, ...CONSUL_OPTIONS, ...OUTPUT_OPTIONS },
  operands: [{ kind: 'lock' }],
  often: ['all', 'key', 'http-addr', 'token-file', 'quiet'],
  examples: ['consul-locker resume backup', 'consul-locker resume --all'],
  epilogue: 'Exit codes: 0 that pause is no more; 2, 3, 4 as for a run.',
} satisfies Syntax

export type ScopeOptions = Values<typeof SCOPE>
