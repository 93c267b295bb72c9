import { Failure } from '../../../base/failure.ts'
import { LONGEST_LEASE_MS } from '../../../discovery/lease-record.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { INSTANCE_OPTIONS } from '../../options/instance-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Parse, type Values } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

const SHORTEST_LEASE_MS = 1000

const leaseLength: Parse<number> = (text, name) => {
  const ms = duration(text, name)
  if (ms >= SHORTEST_LEASE_MS && ms <= LONGEST_LEASE_MS) return ms
  throw new Failure('usage', `--${name} ${text} is no length for a lease`, { hint: 'from 1s to 24h' })
}

/** `consul-locker lease acquire|release|show` */
export const LEASE_SYNTAX = {
  summary: 'have the instances of a service start one after the other',
  usage: `consul-locker lease acquire|release|show --label L [--service-id ID]

A lease for a start-up: instances of a service that start at the same time get
it one after the other. acquire (or: consul-locker acquire-lease) waits for it
and leaves it to the service that starts next; it ends when the monitor sees
that service healthy, by release, or by itself.`,
  options: {
    ...INSTANCE_OPTIONS,
    'lease-timeout': option('acquire:', 'TIME', 'it ends by itself after this time (240s)', leaseLength, '240s'),
    'acquire-timeout': option('acquire:', 'TIME', 'wait this long for it (360s); 0 tries once', duration, '360s'),
    json: flag('show:', 'as one line of JSON'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ words: { acquire: 'wait for it', release: 'give it back', show: 'show who has it' } }],
  often: ['label', 'service-id', 'lease-timeout', 'acquire-timeout', 'json'],
  examples: [
    'consul-locker lease acquire --label es --service-id es-1 && start-elastic',
    'consul-locker lease show --label es',
  ],
  epilogue: `The same id takes its lease again at once, and its time begins anew. The lease
is the key lease/L in Consul.

Exit codes: acquire: 0 it is ours, 1 another one kept it; release: 0 it isn't
ours any more, 1 another one has it; show: 0 someone has it, 1 nobody;
128+n when signal n ended the wait; 2, 3, 4 as for a run.`,
} satisfies Syntax

/** `consul-locker acquire-lease`, as the original has it */
export const ACQUIRE_LEASE_SYNTAX: typeof LEASE_SYNTAX & Syntax = {
  ...LEASE_SYNTAX,
  summary: "wait for a service's start-up lease, as lease acquire does",
  operands: [],
}

export type LeaseCommandOptions = Values<typeof LEASE_SYNTAX.options>
