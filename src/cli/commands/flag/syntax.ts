import { Failure } from '../../../base/failure.ts'
import { type Direction, FLAG_VALUES, type FlagValue, isFlagValue } from '../../../switchover/flags.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag, option, type Parse, type Values } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

const flagValue: Parse<FlagValue> = (text, name) => {
  if (isFlagValue(text)) return text
  throw new Failure('usage', `--${name} ${JSON.stringify(text)} is no value of a flag`, {
    hint: FLAG_VALUES.join(', '),
  })
}

const VALUES: Readonly<Record<FlagValue, string>> = {
  NULL: 'nothing is to be done',
  START: 'the node is to begin',
  WAIT: 'it is ready, and waits for the others',
}

function flagSyntax(direction: Direction) {
  return {
    summary: `show or set a node's ${direction} flag, or wait for it`,
    usage: `consul-locker ${direction} [options] <service> [-- command…]

A node's ${direction} flag for a Consul service: NULL nothing is to be done, START
the node is to begin, WAIT it is ready and waits for the others. Without an
option: shows the flag.`,
    options: {
      node: option('Flag:', 'NAME', "the node (this agent's own)"),
      get: flag('Flag:', 'print its value alone'),
      set: { ...option('Flag:', 'VALUE', 'set it: NULL, START or WAIT', flagValue), operand: { words: VALUES } },
      wait: {
        ...option('Flag:', 'VALUE', 'wait until it is NULL, START or WAIT', flagValue),
        operand: { words: VALUES },
      },
      timeout: option('Flag:', 'TIME', 'for so long at most (60s)', duration, '60s'),
      json: flag('Flag:', 'show the flag as one line of JSON'),
      watch: flag('Watching:', 'run the command at every change of the flag'),
      'print-watch': flag('Watching:', "print a watch for Consul's own configuration"),
      ...CONSUL_OPTIONS,
      ...OUTPUT_OPTIONS,
    },
    operands: [{ kind: 'service' }],
    often: ['node', 'get', 'set', 'wait', 'timeout', 'json', 'watch', 'print-watch'],
    examples: [
      `consul-locker ${direction} web --node node1 --set START`,
      `consul-locker ${direction} web --wait WAIT --timeout 90s`,
      `consul-locker ${direction} web --watch -- /etc/init.d/web ${direction}`,
    ],
    epilogue: `A watch never runs for the NULL that stands at its first start; later ones run
for what has changed while none was there. A command that fails is tried again,
after 2 s and up to a minute, until it succeeds or the flag changes.
It gets CONSUL_LOCKER_FLAG, and that with _VALUE, _BEFORE, _SERVICE and _NODE.

Exit codes: 0 done; 1 the wait ran out; 2, 3, 4 as for a run.`,
  } satisfies Syntax
}

/** `consul-locker promote SERVICE` */
export const PROMOTE_SYNTAX = flagSyntax('promote')
/** `consul-locker demote SERVICE` */
export const DEMOTE_SYNTAX = flagSyntax('demote')

export type FlagCommandOptions = Values<typeof PROMOTE_SYNTAX.options>
