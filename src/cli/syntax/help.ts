import { wrapped } from '../../base/wrapped-text.ts'
import type { Syntax } from './command-syntax.ts'
import type { Option } from './option.ts'
import type { HelpWanted } from './parse.ts'
import { nameOf } from './parser.ts'

const COLUMNS = 80
const INDENT = 2
const GAP = 2
/** What stands left of the descriptions is no wider, or its description begins below it. */
const WIDEST = 30
/** Which variable an option has, at the end of its description. */
const VARIABLE = / \(CONSUL_\w+\)$/

/** The help that is wanted, in lines of at most 80 columns. */
export function helpLines({ syntax, isWhole }: HelpWanted): string[] {
  return isWhole ? wholeHelp(syntax) : briefHelp(syntax)
}

/** A screen of 24 lines has room for it, and for the prompt behind it. */
function briefHelp(syntax: Syntax): string[] {
  const often = (syntax.often ?? []).flatMap((name): [string, Option][] => {
    const option = syntax.options[name]
    return option ? [[name, { ...option, describe: option.describe.replace(VARIABLE, '') }]] : []
  })
  return [
    ...(syntax.brief ?? syntax.usage).split('\n'),
    ...block(often.length > 0 ? optionLines(often) : []),
    ...block(exampleLines(syntax)),
    ...block([`Everything else: ${nameOf(syntax)} --help`]),
  ]
}

function wholeHelp(syntax: Syntax): string[] {
  const groups = Map.groupBy(Object.entries(syntax.options), ([, { group }]) => group)
  return [
    ...syntax.usage.split('\n'),
    ...[...groups].flatMap(([group, options]) => block([group, ...optionLines(options)])),
    ...block(exampleLines(syntax)),
    ...block(syntax.epilogue.split('\n')),
  ]
}

function exampleLines({ examples = [] }: Syntax): string[] {
  return examples.length === 0 ? [] : ['Examples:', ...examples.map((line) => `  ${line}`)]
}

function block(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines]
}

function optionLines(options: readonly [string, Option][]): string[] {
  const rows = options.map(([name, option]) => [aligned(writtenForm(name, option)), option.describe] as const)
  const widths = rows.map(([left]) => left.length).filter((width) => width <= WIDEST)
  const column = INDENT + Math.max(0, ...widths) + GAP
  return rows.flatMap(([left, right]) => {
    const [first = '', ...rest] = wrapped(right, COLUMNS - column)
    const below = rest.map((line) => ' '.repeat(column) + line)
    const head = ' '.repeat(INDENT) + left
    if (head.length + GAP > column) return [head, ' '.repeat(column) + first, ...below]
    return [head.padEnd(column) + first, ...below]
  })
}

/** How an option is written: `-E, --conflict-exit-code N` */
export function writtenForm(name: string, { alias, value, isOptional }: Option): string {
  if (name.length === 1) return `-${name}`
  const long = `--${name}${value === undefined ? '' : isOptional ? `[=${value}]` : ` ${value}`}`
  return alias === undefined ? long : `-${alias}, ${long}`
}

/** Long names stand below each other. */
function aligned(form: string): string {
  return form.startsWith('--') ? `    ${form}` : form
}
