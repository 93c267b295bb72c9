import type { Syntax } from '../../syntax/command-syntax.ts'
import { type Options, variableOf } from '../../syntax/option.ts'
import { type Block, entry, paragraph } from './manual-page.ts'

/** Of Consul's own variables, those that no option's description names. */
const CONSULS: Readonly<Record<string, string>> = {
  CONSUL_HTTP_SSL: 'true: speak TLS to an address without a scheme',
  CONSUL_HTTP_SSL_VERIFY: 'false: take whoever answers for Consul',
  CONSUL_HTTP_AUTH: 'user:password of a proxy before Consul',
}

/** The variables that a command reads. */
export function environmentBlocks(syntax: Syntax): Block[] {
  const variables = optionVariables(syntax)
  return [...(variables.length > 0 ? [paragraph(`${variables.join(', ')}: ${RULE}`)] : []), ...sharedBlocks(syntax)]
}

/** Those of them that aren't named by options. */
export function sharedBlocks(syntax: Syntax): Block[] {
  const debug = entry('DEBUG', 'true: show every request and every answer; timing: the phases of a run')
  return [...consulBlocks(syntax), debug]
}

const RULE =
  'the option of that name; true for one without a value, a line for each value of one that may be repeated. Options of the command line come first.'

/** Those that count in this command: a run heeds them all, others what every command understands. */
function optionVariables(syntax: Syntax): string[] {
  return Object.entries(heeded(syntax)).map(([name]) => variableOf(name))
}

function heeded({ options, operands = [], includes }: Syntax): Options {
  const all = { ...includes?.options, ...options }
  const isRun = operands.some(({ kind }) => kind === 'command')
  const counts = ([, { variable }]: [string, Options[string]]) =>
    isRun ? variable !== 'nowhere' : variable === 'everywhere'
  return Object.fromEntries(Object.entries(all).filter(counts))
}

function consulBlocks(syntax: Syntax): Block[] {
  const options = heeded(syntax)
  if (!Object.hasOwn(options, 'http-addr')) return []
  const named = Object.entries(options).flatMap(([name, { describe }]) => {
    const [, variable] = /\((CONSUL_\w+)\)$/.exec(describe) ?? []
    return variable === undefined ? [] : [entry(variable, `as --${name}`)]
  })
  return [...named, ...Object.entries(CONSULS).map(([variable, meaning]) => entry(variable, meaning))]
}
