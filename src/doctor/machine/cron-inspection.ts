import { existsSync } from 'node:fs'
import { type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { kernelText } from './kernel-limits.ts'
import { heededVariables } from './variables-inspection.ts'

/** What cron's PATH is, unless a crontab says otherwise. */
const CRON_PATH = '/usr/bin:/bin'

/** What a run that cron starts would not have. */
export const cronInspection: Inspection = {
  code: 'CL508',
  topic: 'This machine',
  title: 'cron',
  needs: [],
  asksConsul: false,
  look: (_ctx, { environment, startedAs, optionVariables }) =>
    judgeCron(environment, optionVariables, startedAs, kernelText('/etc/environment') ?? ''),
}

/** `everywhere` is the text of /etc/environment, which cron reads, too; `startedAs` is the name we were started by. */
export function judgeCron(
  environment: NodeJS.ProcessEnv,
  optionVariables: readonly string[],
  startedAs: string,
  everywhere: string,
): Diagnosis {
  const known = new Set([...everywhere.matchAll(/^\s*(?:export\s+)?(\w+)=/gm)].map(([, name]) => name))
  const ours = heededVariables(environment, optionVariables)
  const missing = ours.filter((name) => !known.has(name)).sort()
  const folder = startedAs.includes('/') ? undefined : folderOf(environment.PATH ?? '', startedAs)
  const isUnfound = folder !== undefined && !CRON_PATH.split(':').includes(folder)
  if (missing.length === 0 && !isUnfound) return fine('a run that cron starts finds the same settings')
  const told = [
    ...(missing.length > 0 ? [`cron sets no ${missing.join(', ')}`] : []),
    ...(isUnfound ? [`does not look for ${startedAs} in ${folder}`] : []),
  ]
  const lines = [...missing, ...(isUnfound ? ['PATH'] : [])].map((name) => `${name}=…`)
  return warning(
    told.join(', and ').replace(/^does/, 'cron does'),
    `for such a run put into the crontab, above its line: ${lines.join(' ')} (a token by CONSUL_HTTP_TOKEN_FILE)`,
  )
}

function folderOf(path: string, program: string): string | undefined {
  return path.split(':').find((folder) => existsSync(`${folder}/${program}`))
}
