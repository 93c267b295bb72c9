import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LOCK_OPTIONS } from '../../options/lock-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import { PERIOD_OPTIONS } from '../../options/period-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option } from '../../syntax/option.ts'

const { key, ttl, renew, slots, shared } = LOCK_OPTIONS
const { 'once-per': oncePer, slot, tz, 'min-interval': minInterval, 'on-success': onSuccess } = PERIOD_OPTIONS

/** `consul-locker doctor` */
export const DOCTOR_SYNTAX = {
  summary: 'look for what would break a run here, or holds it up',
  usage: `consul-locker doctor [NAME] [options]

Looks for what would break a run on this machine: Consul, this node, the rights
of the token, TLS, this machine's limits. With NAME also why a run under that
lock would not start now; with a file, what leader, init or rollout needs.
It changes nothing. Each line has a code: docs/troubleshooting.md explains it.`,
  options: {
    file: { ...option('Doctor:', 'FILE', "a leader's, an init script's or a rollout's file"), alias: 'f' },
    json: flag('Output:', 'print it as JSON'),
    key,
    ttl,
    renew,
    slots,
    shared,
    'once-per': oncePer,
    slot,
    tz,
    'min-interval': minInterval,
    'on-success': onSuccess,
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['file', 'json', 'key', 'slots', 'http-addr', 'token-file'],
  contradictions: [
    ['slots', 'shared'],
    ['once-per', 'slot'],
  ],
  examples: [
    'consul-locker doctor                        may runs start here?',
    'consul-locker doctor backup                 why does backup not start?',
    'consul-locker doctor -f /etc/redis-ha.yaml  may this agent of leader start?',
  ],
  epilogue: `Exit codes: 0 nothing would break a run, though there may be warnings (!);
1 something would (x); 2 wrong usage.`,
} satisfies Syntax
