/**
 * What our own processes have us do: give back the lock of a dead runner, stand in for a dead leader agent, call a
 * function of its module.
 */
export const ERRANDS = [':release', ':leader-duty', ':module'] as const

export type Errand = (typeof ERRANDS)[number]

const VARIABLE = 'CONSUL_LOCKER_ERRAND'

/** The environment in which we do this errand. Without it the word is nothing but a bad name for a lock. */
export function forErrand(errand: Errand, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, [VARIABLE]: errand }
}

/**
 * The errand that the first word names, if it was one of our processes that sent us: whoever may choose words, such as a
 * lock's name, can't choose the environment. It is taken out of that, so that what we start doesn't inherit it.
 */
export function takeErrand(word: string | undefined, environment: NodeJS.ProcessEnv): Errand | undefined {
  const allowed = environment[VARIABLE]
  if (allowed === undefined) return undefined
  delete environment[VARIABLE]
  return ERRANDS.find((errand) => errand === word && errand === allowed)
}
