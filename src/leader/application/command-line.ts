import { Failure } from '../../base/failure.ts'
import { type Executable, findExecutable } from '../../child/executable.ts'
import type { CommandLine } from '../leader-file.ts'
import type { Leader } from '../machine/agent-state.ts'

const SHELL = '/bin/sh'

/** What stands for the master in a command's words. */
const PLACEHOLDERS: Readonly<Record<string, (leader: Leader) => string>> = {
  master_host: ({ node }) => node,
  master_address: ({ address }) => address,
  master_port: ({ port }) => String(port),
}

const NAMES = /^(?!-)[A-Za-z0-9._:-]+$/

/** Whether a leader's names may stand in a command: it is others who wrote them. */
export function isPlain({ node, address, port }: Leader): boolean {
  return NAMES.test(node) && NAMES.test(address) && Number.isInteger(port)
}

/** The words to run, with the master filled in. The leader must be plain. */
export function commandWords(line: CommandLine, leader: Leader | undefined): [string, ...string[]] {
  const words = typeof line === 'string' ? [SHELL, '-c', line] : line
  const [first = '', ...rest] = leader === undefined ? words : words.map((word) => filled(word, leader))
  return [first, ...rest]
}

function filled(word: string, leader: Leader): string {
  return word.replace(/\{(master_\w+)\}/g, (all, name: string) => PLACEHOLDERS[name]?.(leader) ?? all)
}

/** Checks that a command can be run, as far as that can be told ahead. Throws a `config` failure. */
export function checkCommandLine(key: string, line: CommandLine, path: string | undefined): Executable {
  try {
    return findExecutable(commandWords(line, undefined), path)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    throw new Failure('config', `${key}: ${thrown.message}`, { hint: thrown.hint, cause: thrown })
  }
}
