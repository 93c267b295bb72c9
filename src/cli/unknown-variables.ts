import { RUN_SYNTAX } from './commands/run/syntax.ts'
import { type Options, variableOf } from './syntax/option.ts'

const OURS = /^CONSUL_LOCKER_[A-Z_]+$/

/** What our own commands have in their environment, and is no misspelt option. */
const NO_OPTIONS = ['CONSUL_LOCKER_NAME', 'CONSUL_LOCKER_NODE', 'CONSUL_LOCKER_ROLE']

/** Variables that look like an option's and are none. Inside a run there are ours, and the run itself has told. */
export function unknownVariables(environment: NodeJS.ProcessEnv): string[] {
  if (environment.CONSUL_LOCKER_RUN_ID !== undefined) return []
  const unknown = Object.keys(environment).filter((name) => OURS.test(name) && !NO_OPTIONS.includes(name))
  return unknown.length === 0 ? [] : unknown.filter((name) => !optionVariables().includes(name))
}

/** A sentence about each of these variables that is like an option's. What is not may be anybody's. */
export async function adviceOn(unknown: readonly string[]): Promise<string[]> {
  const { nearest } = await import('./syntax/nearest.ts')
  const options: Options = RUN_SYNTAX.options
  const known = Object.keys(options).filter((name) => options[name]?.variable !== 'nowhere')
  return unknown.flatMap((variable) => {
    const meant = nearest(variable.slice('CONSUL_LOCKER_'.length).replaceAll('_', '-'), known)
    return meant === undefined ? [] : [`${variable} is no option's variable; did you mean ${variableOf(meant)}?`]
  })
}

/** The variables that are options of a run. */
export function optionVariables(): string[] {
  return Object.keys(RUN_SYNTAX.options).map(variableOf)
}
