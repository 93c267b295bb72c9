import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { KEY_PREFIXES } from '../../options/key-prefixes.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { flag } from '../../syntax/option.ts'

/** `consul-locker locks` */
export const LOCKS_SYNTAX = {
  summary: 'show all locks, who holds them and who waits',
  usage: `consul-locker locks [options] [PATTERN]

Shows all locks, slots and leaders, or those whose names match PATTERN, as
shells match: who holds each, for how long, under which fence, how many wait,
whether it is closed or paused, and how its last run ended.`,
  options: {
    waiters: flag('What:', 'list who waits instead, by hosts'),
    prefix: KEY_PREFIXES,
    watch: flag('Output:', 'show it live; a line for each change where that is no terminal'),
    json: flag('Output:', 'print it as JSON; with --watch a line for each lock that changes'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  operands: [{ kind: 'lock' }],
  often: ['waiters', 'prefix', 'watch', 'json', 'http-addr'],
  contradictions: [
    ['waiters', 'json'],
    ['waiters', 'watch'],
  ],
  examples: [
    "consul-locker locks 'backup-*'      those whose names begin so",
    'consul-locker locks --watch         live; ? shows the keys',
    'consul-locker locks --prefix site/  those of consul lock site/…, too',
  ],
  epilogue: `A lock whose holder died is closed for a while; FOR tells how long at most.
Exit codes: 0; 2, 3, 4 as for a run.`,
} satisfies Syntax
