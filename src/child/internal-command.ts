/**
 * What our own processes have this executable do: give back the lock of a dead runner, carry on with its command's
 * output, stand in for a dead leader agent, call a function of its module, be a Consul to try things with.
 */
export const INTERNAL_COMMANDS = [':release', ':output', ':leader-duty', ':module', ':dev-server'] as const

export type InternalCommand = (typeof INTERNAL_COMMANDS)[number]

const VARIABLE = 'CONSUL_LOCKER_ERRAND'

/** The environment in which this command is believed. Without it the word is nothing but a bad name for a lock. */
export function asInternal(command: InternalCommand, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, [VARIABLE]: command }
}

/**
 * What a guardian gives back: locks, by their keys; a place in a semaphore, by the key of its list and that of its
 * marker; a reader's place, by the lock's key; or all slots of a rollout that a session holds below a folder.
 */
export type Released = 'lock' | 'semaphore' | 'reader' | 'slots'

const RELEASED: readonly (string | undefined)[] = ['lock', 'semaphore', 'reader', 'slots'] satisfies Released[]

/** The command by which a guardian has this very executable give something back; it adds the session. */
export function internalRelease(released: Released, keys: readonly string[], environment: NodeJS.ProcessEnv) {
  return {
    release: [process.execPath, ':release', released, ...keys],
    environment: asInternal(':release', environment),
  }
}

const OUTPUT = 'CONSUL_LOCKER_OUTPUT'

/** The command by which this very executable carries on with a command's output, as it is told in JSON. */
export function internalOutput(environment: NodeJS.ProcessEnv, inheritance: object) {
  return {
    words: [process.execPath, ':output'],
    environment: asInternal(':output', { ...environment, [OUTPUT]: JSON.stringify(inheritance) }),
  }
}

/** What that command was told. */
export function inheritanceIn(environment: NodeJS.ProcessEnv): unknown {
  return JSON.parse(environment[OUTPUT] ?? 'null')
}

/** What a word of such a command says. */
export function isReleased(word: string | undefined): word is Released {
  return RELEASED.includes(word)
}

/**
 * The internal command that the first word names, if it was one of our processes that called us: whoever may choose
 * words, such as a lock's name, can't choose the environment. It is taken out of that, so that what we start doesn't
 * inherit it.
 */
export function takeInternalCommand(
  word: string | undefined,
  environment: NodeJS.ProcessEnv,
): InternalCommand | undefined {
  const allowed = environment[VARIABLE]
  delete environment[VARIABLE]
  return INTERNAL_COMMANDS.find((command) => command === word && command === allowed)
}
