import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execute } from '../provide/execute.ts'

export const PROJECT = join(import.meta.dirname, '../..')

/** What all packages of a release have in common. */
export interface Edition {
  readonly version: string
  /** The time that every file in them has, in seconds since 1970. */
  readonly epoch: number
}

/** That of package.json, at the time of the commit or of `SOURCE_DATE_EPOCH`. Rejects when there is neither. */
export async function thisEdition(): Promise<Edition> {
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'))
  const time = process.env.SOURCE_DATE_EPOCH ?? (await execute('git', ['-C', PROJECT, 'log', '-1', '--format=%ct']))
  const epoch = Number(time)
  if (!Number.isSafeInteger(epoch) || time.trim() === '')
    throw new Error(`SOURCE_DATE_EPOCH is ${JSON.stringify(time)}, not a number of seconds.`)
  return { version, epoch }
}
