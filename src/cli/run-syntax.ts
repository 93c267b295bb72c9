import { EXIT_CODES_TEXT } from './exit-codes.ts'
import { RUN_OPTIONS } from './options.ts'
import { prepared } from './parse.ts'

/** `consul-locker [run] [options] <name> <command> [args…]` */
export const RUN_SYNTAX = prepared({
  usage: `consul-locker [options] <name> <command> [args…]

Runs a command on exactly one machine at a time: waits for the lock <name> in
Consul, runs the command while holding it, and exits with the command's code.`,
  options: RUN_OPTIONS,
  often: [
    'no-wait',
    'wait',
    'conflict-exit-code',
    'gate',
    'key',
    'wait-group',
    'http-addr',
    'token-file',
    'report-file',
    'quiet',
  ],
  contradictions: [['no-wait', 'wait']],
  examples: [
    'consul-locker mongodb ./bootstrap.sh        wait for my turn, then run it',
    'consul-locker --no-wait report ./report.sh  run it, unless another one does',
    'consul-locker --wait 90s deploy ./deploy    wait a while for my turn',
  ],
  epilogue: `Inside a run:
  consul-locker verify [--remaining 5s]       is the lock still ours?
  consul-locker fenced put <key> <value>      write, but only while it is
Other commands; each has --help:
  wait                                  conditions that are to hold
  monitor, hosts, lease, discovery      services that find each other, and start
                                        one after the other
  rollout                               a fleet's versions
  leader                                an application that is failed over
  promote, demote, init, check          a primary and its standbys
A lock with a name like one of these words: consul-locker run <name> …

DEBUG=true shows every request and answer; DEBUG=timing the phases of a run.
Every option is also an environment variable: --no-wait is
CONSUL_LOCKER_NO_WAIT=true, --ttl 20s is CONSUL_LOCKER_TTL=20s.

${EXIT_CODES_TEXT}`,
})
