import type { Direction } from '../switchover/flags.ts'
import { CONSUL_OPTIONS, OUTPUT_OPTIONS, option } from './options.ts'
import type { Syntax } from './parse.ts'

/** `consul-locker promote|demote SERVICE` */
export function flagSyntax(direction: Direction): Syntax {
  return {
    usage: `consul-locker ${direction} [options] <service> [-- command…]

A node's ${direction} flag for a Consul service: NULL nothing is to be done, START
the node is to begin, WAIT it is ready and waits for the others. Without an
option: shows the flag.`,
    options: {
      node: option('Flag:', 'NAME', "the node (this agent's own)"),
      get: option('Flag:', 'boolean', 'print its value alone'),
      set: option('Flag:', 'VALUE', 'set it: NULL, START or WAIT'),
      wait: option('Flag:', 'VALUE', 'wait until it is NULL, START or WAIT'),
      timeout: option('Flag:', 'TIME', 'for so long at most (60s)'),
      json: option('Flag:', 'boolean', 'show the flag as one line of JSON'),
      watch: option('Watching:', 'boolean', 'run the command at every change of the flag'),
      'print-watch': option('Watching:', 'boolean', "print a watch for Consul's own configuration"),
      ...CONSUL_OPTIONS,
      ...OUTPUT_OPTIONS,
    },
    often: ['node', 'get', 'set', 'wait', 'timeout', 'json', 'watch', 'print-watch'],
    examples: [
      `consul-locker ${direction} web --node node1 --set START`,
      `consul-locker ${direction} web --wait WAIT --timeout 90s`,
      `consul-locker ${direction} web --watch -- /etc/init.d/web ${direction}`,
    ],
    epilogue: `A watch never runs for the NULL that stands at its first start; later ones run
for what has changed while none was there, and for what the command failed at.
It gets CONSUL_LOCKER_FLAG, and that with _VALUE, _BEFORE, _SERVICE and _NODE.

Exit codes: 0 done; 1 the wait ran out; 2, 3, 4 as for a run.`,
  }
}
