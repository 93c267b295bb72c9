import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import type { Syntax } from '../../syntax/command-syntax.ts'
import { option } from '../../syntax/option.ts'
import { duration } from '../../syntax/values.ts'

/** `consul-locker trigger critical|warning` */
export const TRIGGER_SYNTAX = {
  summary: 'run what stands in Consul for a failing check',
  usage: `consul-locker trigger [options] critical|warning

The handler of a Consul watch of type "checks": runs what stands in Consul for
each service of this node whose check is in that state, at the key

  triggers/<service>/<primary|secondary|standalone>/<critical|warning>

in words, or as a script that begins with #!/bin/bash. Whoever may write there
decides what this machine runs, as our user: guard it with an ACL.`,
  options: {
    config: { ...option('Trigger:', 'FILE', "python-powerconsul's configuration (~/.powerconsul.conf)"), alias: 'c' },
    service: { ...option('Trigger:', 'JSON', 'one check, in place of the list on standard input'), alias: 's' },
    timeout: option('Trigger:', 'TIME', 'how long one action may take (60s)', duration, '60s'),
    ...CONSUL_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  files: { '~/.powerconsul.conf': "python-powerconsul's configuration" },
  operands: [{ words: { critical: 'checks that are critical', warning: 'checks that warn' } }],
  often: ['config', 'service', 'timeout'],
  examples: ['consul-locker trigger critical --config /root/.powerconsul.conf'],
  epilogue: `When no primary passes its check, a standby acts as primary. Nothing is run
while a switch or a fence of the service is under way, or its node is in
maintenance; nor for a check without output, which has not run yet.

Exit codes: 0 done; 1 an action failed; 2, 3, 4, 5 as for a run.`,
} satisfies Syntax
