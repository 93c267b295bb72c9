import { ONLY_WORDS, RUN_OPTIONS, variableOf } from './options.ts'

const OURS = /^CONSUL_LOCKER_[A-Z_]+$/

/** What our own commands have in their environment, and is no misspelt option. */
const NO_OPTIONS = ['CONSUL_LOCKER_NAME', 'CONSUL_LOCKER_NODE', 'CONSUL_LOCKER_ROLE']

/** Variables that look like an option's and are none. Inside a run there are ours, and the run itself has told. */
export function strangeVariables(environment: NodeJS.ProcessEnv): string[] {
  if (environment.CONSUL_LOCKER_RUN_ID !== undefined) return []
  const strange = Object.keys(environment).filter((name) => OURS.test(name) && !NO_OPTIONS.includes(name))
  return strange.length === 0 ? [] : strange.filter((name) => !optionVariables().includes(name))
}

/** A sentence about each of these variables that is like an option's. What is not may be anybody's. */
export async function adviceOn(strange: readonly string[]): Promise<string[]> {
  const { nearest } = await import('./nearest.ts')
  const known = Object.keys(RUN_OPTIONS).filter((name) => !ONLY_WORDS.includes(name))
  return strange.flatMap((variable) => {
    const meant = nearest(variable.slice('CONSUL_LOCKER_'.length).replaceAll('_', '-'), known)
    return meant === undefined ? [] : [`${variable} is no option's variable; did you mean ${variableOf(meant)}?`]
  })
}

function optionVariables(): string[] {
  return Object.keys(RUN_OPTIONS).map(variableOf)
}
