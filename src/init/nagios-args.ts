import { parseArgs } from 'node:util'
import { Failure, messageOf } from '../base/failure.ts'
import { expression, type ProcessQuery, uidOf } from './process-count.ts'
import { quotedWords } from './quoted-words.ts'
import { AT_LEAST_ONE, parseRange } from './thresholds.ts'

/** The kernel cuts a program's name. */
const NAME_LENGTH = 15

const OPTIONS = {
  warning: { type: 'string', short: 'w' },
  critical: { type: 'string', short: 'c' },
  command: { type: 'string', short: 'C' },
  'argument-array': { type: 'string', short: 'a' },
  'ereg-argument-array': { type: 'string' },
  user: { type: 'string', short: 'u' },
} as const

/**
 * Reads the arguments of Nagios' `check_procs` that count processes. Throws a `usage` failure for others.
 * https://www.monitoring-plugins.org/doc/man/check_procs.html
 */
export function parseNagiosArgs(text: string): ProcessQuery {
  const values = parsed(quotedWords(text))
  const { command, user, 'argument-array': part, 'ereg-argument-array': source } = values
  const tests: ProcessQuery['tests'][number][] = []
  if (command !== undefined) tests.push(({ name }) => name === command.slice(0, NAME_LENGTH))
  if (part !== undefined) tests.push(({ line }) => line.includes(part))
  if (source !== undefined) {
    const pattern = expression(source)
    tests.push(({ line }) => pattern.test(line))
  }
  if (user !== undefined) {
    const wanted = /^\d+$/.test(user) ? Number(user) : uidOf(user)
    tests.push(({ uid }) => uid === wanted)
  }
  const { warning, critical } = values
  const thresholds = {
    ...(warning === undefined ? {} : { warning: parseRange(warning) }),
    ...(critical === undefined ? {} : { critical: parseRange(critical) }),
  }
  return { text, tests, thresholds: Object.keys(thresholds).length === 0 ? AT_LEAST_ONE : thresholds }
}

function parsed(args: string[]): Partial<Record<keyof typeof OPTIONS, string>> {
  try {
    return parseArgs({ args, options: OPTIONS }).values
  } catch (thrown) {
    const [sentence = ''] = messageOf(thrown).split(/\. |\n/)
    throw new Failure('usage', `--nagios-args: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`, {
      hint: 'those of check_procs that count: -w, -c, -C, -a, -u and --ereg-argument-array',
    })
  }
}
