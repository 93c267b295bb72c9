import yargs from 'yargs'
import { Failure } from '../base/failure.ts'
import { EXIT_CODES_TEXT } from './exit-codes.ts'
import { type OptionName, RUN_OPTIONS, variableOf } from './options.ts'

/** Words sorted into options, the lock's name and the command. */
export interface Parsed {
  /** Options that were given, on the command line or in the environment. */
  readonly options: Partial<Record<OptionName, string | boolean>>
  readonly name: string | undefined
  readonly command: readonly string[]
}

const COLUMNS = 80

/**
 * Sorts a run's words. Options stand before the name; from the command on every word is the child's, verbatim.
 * Throws a `usage` failure.
 */
export function parseRun(words: readonly string[], environment: NodeJS.ProcessEnv): Parsed {
  const parsed = parser().parseSync([...optionsIn(environment), ...words])
  const [name, ...rest] = parsed._.map(String)
  const command = rest[0] === '--' ? rest.slice(1) : rest
  const known = Object.keys(RUN_OPTIONS) as OptionName[]
  const options = Object.fromEntries(known.filter((o) => parsed[o] !== undefined).map((o) => [o, parsed[o]]))
  return { options, name, command }
}

/** The help, at most 80 columns wide. */
export function runHelp(): Promise<string> {
  return parser().getHelp()
}

function parser() {
  return yargs()
    .scriptName('consul-locker')
    .usage(USAGE)
    .parserConfiguration({
      'halt-at-non-option': true,
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .help(false)
    .version(false)
    .options(RUN_OPTIONS)
    .strictOptions()
    .exitProcess(false)
    .wrap(COLUMNS)
    .epilogue(EPILOGUE)
    .fail((message, error) => {
      throw error ?? usageFailure(message)
    })
}

const USAGE = `consul-locker [options] <name> <command> [args…]

Runs a command on exactly one machine at a time: waits for the lock <name> in
Consul, runs the command while holding it, and exits with the command's code.`

const EPILOGUE = `Examples:
  consul-locker mongodb ./bootstrap.sh        wait for my turn, then run it
  consul-locker --no-wait report ./report.sh  run it, unless another one does
  consul-locker --wait 90s deploy ./deploy    wait a while for my turn
  DEBUG=true consul-locker test sleep 10      show every request and answer

Every option is also an environment variable: --no-wait is
CONSUL_LOCKER_NO_WAIT=true, --ttl 20s is CONSUL_LOCKER_TTL=20s.

${EXIT_CODES_TEXT}`

/** Options that the environment gives, as words; those of the command line stand behind them and win. */
function optionsIn(environment: NodeJS.ProcessEnv): string[] {
  const words: string[] = []
  for (const [name, { type }] of Object.entries(RUN_OPTIONS)) {
    const value = environment[variableOf(name)]
    if (value === undefined || value === '' || !isOurs(name, environment)) continue
    if (type === 'string') words.push(`--${name}=${value}`)
    else if (truth(variableOf(name), value)) words.push(`--${name}`)
  }
  return words
}

/**
 * Inside a run CONSUL_LOCKER_KEY is the key of the lock around us, not a wish for ours; and a variable that names our
 * version is somebody's note.
 */
function isOurs(name: string, environment: NodeJS.ProcessEnv): boolean {
  if (name === 'help' || name === 'version') return false
  return name !== 'key' || environment.CONSUL_LOCKER_RUN_ID === undefined
}

/** A yes or no as Go's ParseBool reads it. Throws a `usage` failure. */
export function truth(variable: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true
  if (/^(0|f|false)$/i.test(value)) return false
  throw new Failure('usage', `${variable} is ${JSON.stringify(value)}, which is neither true nor false`)
}

function usageFailure(message: string): Failure {
  const [, names] = /^Unknown arguments?: (.*)$/.exec(message) ?? []
  if (names === undefined) return new Failure('usage', decapitalised(message), { hint: HELP_HINT })
  const [unknown = ''] = names.split(', ')
  return new UnknownOption(unknown)
}

const HELP_HINT = 'see consul-locker --help'

/** Its hint names the nearest option; finding that needs a module that only this failure loads. */
export class UnknownOption extends Failure {
  readonly option: string

  constructor(option: string) {
    super('usage', `there is no option ${option.length === 1 ? '-' : '--'}${option}`, { hint: HELP_HINT })
    this.option = option
  }

  /** The same failure, with a better hint. */
  async withNearest(): Promise<Failure> {
    const { closest } = await import('fastest-levenshtein')
    const nearest = closest(this.option, Object.keys(RUN_OPTIONS))
    return new Failure('usage', this.message, { hint: `did you mean --${nearest}? ${HELP_HINT}` })
  }
}

function decapitalised(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replaceAll('\n', ' ')
}
