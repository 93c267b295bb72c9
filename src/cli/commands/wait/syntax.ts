import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Parse, type Values } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

const SHORTEST_PAUSE_MS = 10

const pause: Parse<number> = (text, name) => {
  const ms = duration(text, name)
  if (ms >= SHORTEST_PAUSE_MS) return ms
  const shortest = formatDuration(SHORTEST_PAUSE_MS)
  throw new Failure('usage', `--${name} ${text} is no pause`, { hint: `${shortest} is the shortest` })
}

/** `consul-locker wait GATE…` */
export const WAIT_SYNTAX = {
  summary: 'wait until conditions hold, then run a command',
  usage: `consul-locker wait [options] <gate>… [-- command…]

Waits until all of these hold at the same time, then runs the command, if any.

  service:db           Consul has a healthy instance of this service; with a
                       tag master.db, in a datacenter db@dc2, three of it db=3
  kv:ready  kv:a/b=yes Consul has this key, with any value or with this one
  tcp:db:3306          something takes connections there; unix:/run/db.sock
  postgres:db:5432     it serves; so mysql:db and redis:db, without a password
  http://…  https://…  a GET gives a status from 200 to 299, not a redirect
  dns:db.example.com   it has an address; dns:NAME@10.0.0.2:53 asks that server
  file:/run/ready      the file is there
  cmd:pg_isready -q    this command of /bin/sh ends with 0
  !tcp:db:3306         any of these with a ! in front: it does not hold`,
  options: {
    timeout: option('Waiting:', 'TIME', 'give up after this time (10m)', duration, '10m'),
    once: flag('Waiting:', 'look once, and give up at once'),
    interval: option('Waiting:', 'TIME', 'look so often at what Consul does not tell of', pause),
    any: flag('Waiting:', 'one of them is enough'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'gate', isRepeated: true }],
  often: ['timeout', 'once'],
  contradictions: [
    ['once', 'timeout'],
    ['once', 'interval'],
  ],
  examples: [
    'consul-locker wait service:mysql kv:schema/version=42 -- ./start-app',
    'consul-locker wait --once http://127.0.0.1:8080/health || ./repair',
  ],
  epilogue: `Behind a URL, in the same argument: status=200,300-399 header=Name:value
header~Name:regex body=text body~regex follow (redirects) insecure (any
certificate). The body comes last.

Exit codes: the command's own; without one 0. 1 they didn't hold in time, and
nothing was run; 128+n a signal ended the wait; 2, 3, 4, 126, 127 as for a run.`,
} satisfies Syntax

export type WaitCommandOptions = Values<typeof WAIT_SYNTAX.options>
