import { type ChosenCodes, EXIT, EXIT_CODES_TEXT } from '../../exit-codes.ts'
import { CONSUL_OPTIONS } from '../../options/consul-options.ts'
import { LOCK_CONTRADICTIONS, LOCK_OPTIONS, WAIT_OPTIONS } from '../../options/lock-options.ts'
import { OUTPUT_OPTIONS } from '../../options/output-options.ts'
import { PERIOD_CONTRADICTIONS, PERIOD_OPTIONS } from '../../options/period-options.ts'
import { flag, onlyWord, option, optionalValue, repeatable, type Values } from '../../syntax/option.ts'
import { prepared } from '../../syntax/parser.ts'
import { duration, shellLine, signalName, size, timeLimit } from '../../syntax/values.ts'

/** `consul-locker [run] [options] <name> <command> [args…]` */
export const RUN_SYNTAX = prepared({
  summary: 'run a command on exactly one machine at a time',
  usage: `consul-locker [options] <name> <command> [args…]

Runs a command on exactly one machine at a time: waits for the lock <name> in
Consul, runs the command while holding it, and exits with the command's code.`,
  options: {
    ...WAIT_OPTIONS,
    gate: repeatable('Gates:', 'GATE', 'first wait for this, e.g. service:db; repeatable'),
    'release-when': repeatable('Gates:', 'GATE', 'after success keep it until this holds; repeatable'),
    'release-timeout': option('Gates:', 'TIME', 'but for so long at most (10m)', duration),
    settle: option('Gates:', 'TIME', 'and until it has held for so long, e.g. 10s', duration),
    ...PERIOD_OPTIONS,
    ...LOCK_OPTIONS,
    'kill-after': option('Lock:', 'TIME', 'grace from TERM to KILL when we end the command (5s)', duration, '5s'),
    'wait-group': flag('Lock:', "keep it until all of the command's group has ended"),
    'record-command': flag('Lock:', "show others the command's arguments, not just its name"),
    'no-guardian': flag('Lock:', 'do without the process that ends the command when we are killed'),
    'require-healthy': optionalValue(
      'Limits:',
      'SERVICE',
      'contend only while this node, and SERVICE on it, is healthy',
    ),
    'max-runtime': option('Limits:', 'TIME', 'end the command after this time, and exit with 124', timeLimit),
    'timeout-signal': option('Limits:', 'SIGNAL', 'by this signal instead of TERM; then, as ever, by KILL', signalName),
    'on-wait': option('Reactions:', 'LINE', 'have a shell run this when the lock is not free', shellLine),
    'on-acquire': option('Reactions:', 'LINE', 'before the command, which starts if this succeeds', shellLine),
    'on-lost': repeatable('Reactions:', 'LINE', 'when the lock is lost; or the signal to send instead of TERM'),
    'on-release': option('Reactions:', 'LINE', 'when the lock has been given back, or is lost', shellLine),
    ...CONSUL_OPTIONS,
    dev: onlyWord(flag('Consul:', 'to try things: where nothing listens, start a Consul of one process')),
    ...OUTPUT_OPTIONS,
    'report-file': option('Output:', 'FILE', "write the run's outcome there, as JSON"),
    'quiet-unless-fail': flag('Output:', "show the command's output only if it fails; drop our notices"),
    tee: option('Output:', 'FILE', "write the command's output there, too, at its end"),
    'tee-size': option('Output:', 'SIZE', 'begin that file anew at this size, e.g. 10M; keep five old ones', size),
    timestamps: flag('Output:', "put the time before each line of the command's"),
    ping: option('Telling:', 'URL', "ping it as healthchecks.io's: start, then the exit code"),
    textfile: option('Telling:', 'FILE', "write how it ended there, for node_exporter's textfile collector"),
    version: { ...onlyWord(flag('Output:', 'show version, commit, Node and platform')), alias: 'V' },
    licenses: onlyWord(flag('Output:', 'show the licences of all that is in this executable')),
  },
  operands: [{ kind: 'lock' }, { kind: 'command' }],
  often: [
    'no-wait',
    'wait',
    'conflict-exit-code',
    'gate',
    'slot',
    'key',
    'http-addr',
    'token-file',
    'report-file',
    'quiet',
  ],
  contradictions: [['no-wait', 'wait'], ...PERIOD_CONTRADICTIONS, ...LOCK_CONTRADICTIONS],
  examples: [
    'consul-locker mongodb ./bootstrap.sh        wait for my turn, then run it',
    "consul-locker --slot '%FT%H' report ./rep   once an hour, in the whole fleet",
    'consul-locker --wait 90s deploy ./deploy    wait a while for my turn',
  ],
  epilogue: `Inside a run:
  consul-locker verify [--remaining 5s]       is the lock still ours?
  consul-locker fenced put <key> <value>      write, but only while it is
Other commands; each has --help:
  hold, release                         a lock without a command
  pause, resume                         nobody starts for a while
  unlock                                free a lock that somebody holds
  slots                                 who has them, and how many there are
  locks                                 all there are, who holds and who waits
  history, status                       how the runs under a lock went
  doctor                                what would break a run here, or delay it
  dashboard                             a web page of all locks and their runs
  wait                                  wait until conditions hold
  monitor, hosts, lease, discovery      services that find each other, and start
                                        one after the other
  crontab, unit                         such a run as a line for cron, as units
                                        for systemd
  explain                               what these options promise, in numbers
  metrics                               of all locks, for Prometheus
  rollout                               a fleet's versions
  leader                                an application that is failed over
  dev                                   a Consul to try things with, for tests
  promote, demote, init, check          a primary and its standbys
  help, completion                      the manual; what the Tab key needs
A lock with a name like one of these words: consul-locker run <name> …

DEBUG=true shows every request and answer; DEBUG=timing the phases of a run.
Every option but --dev is also an environment variable: --no-wait is
CONSUL_LOCKER_NO_WAIT=true, --ttl 20s is CONSUL_LOCKER_TTL=20s.

${EXIT_CODES_TEXT}`,
})

export type RunCommandOptions = Values<typeof RUN_SYNTAX.options>

/** Exit codes that the options choose. */
export function chosenCodes(options: RunCommandOptions): ChosenCodes {
  const { 'conflict-exit-code': busy = EXIT.busy, 'skip-code': skipped = EXIT.done } = options
  return { busy, skipped }
}
