import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PROJECT = join(import.meta.dirname, '../..')

/** A file of the project's, by its path from there. */
export function readDocument(file: string): string {
  return readFileSync(join(PROJECT, file), 'utf8')
}

/** The blocks of commands in a file: fenced, indented, or in the comment of a script, as they stand there. */
export function blocks(file: string): string[] {
  const text = readDocument(file)
  if (!file.endsWith('.md'))
    return [...text.matchAll(/(?:^# {3}\S.*\n)+/gm)].map(([block]) => block.replaceAll(/^# {3}/gm, ''))
  const fenced = [...text.matchAll(/^```(?:sh|crontab|yaml)\n([\s\S]*?)^```/gm)].map(([, block = '']) => block)
  const indented = [...text.matchAll(/(?:^ {4}\S.*\n(?:^ {5,}\S.*\n)*)+/gm)].map(([block]) =>
    block.replaceAll(/^ {4}/gm, ''),
  )
  return [...fenced, ...indented]
}

/** The one block of a file that has these words in it. */
export function block(file: string, words: string): string {
  const [found, other] = blocks(file).filter((text) => text.includes(words))
  if (found === undefined || other !== undefined) throw new Error(`${file} has not one block with ${words}`)
  return found
}

/**
 * What cron would do with this line of a file in /etc/cron.d: root's command, in an environment with these settings.
 */
export function asCron(line: string, settings = ''): string {
  const [, job] = /^(?:@\w+|(?:\S+ ){4}\S+) root (.+)$/.exec(line) ?? []
  if (job === undefined) throw new Error(`no line of root's for cron: ${line}`)
  const command = job.replaceAll(String.raw`\%`, '%').replaceAll("'", String.raw`'\''`)
  return `env -i HOME=/ LOGNAME=root ${settings} sh -c '${command}'`
}
