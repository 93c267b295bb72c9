import { Failure } from '../../base/failure.ts'
import { type Options, truthOf, variableOf } from './option.ts'

/** Options that the environment gives, as words; put before those of the command line, they give way to them. */
export function wordsOf(options: Options, environment: NodeJS.ProcessEnv): string[] {
  const words: string[] = []
  for (const [name, { value: takes, isRepeatable, variable }] of Object.entries(options)) {
    if (variable === 'nowhere') continue
    const value = environment[variableOf(name)]
    if (value === undefined || value === '' || !isOurs(name, environment)) continue
    if (isRepeatable) words.push(...lines(value).map((line) => `--${name}=${line}`))
    else if (takes !== undefined) words.push(`--${name}=${value}`)
    else if (truth(variableOf(name), value)) words.push(`--${name}`)
  }
  return words
}

/** An option that may be given several times has a line for each: its values have blanks and commas in them. */
function lines(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Inside a run CONSUL_LOCKER_KEY is the key of the lock around us, not a wish for ours. */
function isOurs(name: string, environment: NodeJS.ProcessEnv): boolean {
  return name !== 'key' || environment.CONSUL_LOCKER_RUN_ID === undefined
}

/** What a variable says. Throws a `usage` failure for what is neither. */
export function truth(variable: string, value: string): boolean {
  const meant = truthOf(value)
  if (meant !== undefined) return meant
  throw new Failure('usage', `${variable} is ${JSON.stringify(value)}, which is neither true nor false`, {
    hint: 'set it to true or false, or to 1 or 0',
  })
}

/**
 * What was thrown, as it is to be told when the environment gives these options: a sentence that blames one of them
 * names its variable.
 */
export function blamed(thrown: unknown, inherited: readonly string[]): unknown {
  if (!(thrown instanceof Failure) || thrown.code !== 'usage') return thrown
  const { code, message, hint, cause } = thrown
  const sentence = message.replaceAll(/--([a-z]+(?:-[a-z]+)*)/g, (word, name) => {
    return inherited.includes(name) ? variableOf(name) : word
  })
  return sentence === message ? thrown : new Failure(code, sentence, { hint, cause })
}

/** Does a command's work by options some of which the environment gives. Rejects as it does, with `blamed` failures. */
export async function blaming<T>(inherited: readonly string[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw blamed(thrown, inherited)
  }
}
