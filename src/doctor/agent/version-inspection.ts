import { breaks, cantTell, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { READS_AGENT } from './agent-rule.ts'

/** The first version with transactions, by which every lock is taken. */
const LEAST = [0, 7, 0] as const
/** The oldest that the tests run with. */
const TRIED = [1, 8, 7] as const

/** How old Consul is. */
export const versionInspection: Inspection = {
  code: 'CL106',
  topic: 'Consul',
  title: 'version',
  needs: ['CL105'],
  asksConsul: true,
  async look(ctx, { answers }) {
    const configuration = await answers.configuration(ctx)
    if (configuration === 'denied') return cantTell('the token may not read what the agent is', READS_AGENT)
    return judgeVersion(configuration.version)
  },
}

export function judgeVersion(version: string): Diagnosis {
  const parts = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number)
  if (!parts) return cantTell(`the agent calls its version ${JSON.stringify(version.slice(0, 40))}`)
  if (isOlder(parts, LEAST)) {
    return breaks(`Consul ${version} has no transactions, by which locks are taken`, 'upgrade it to 1.8.7 or later')
  }
  if (isOlder(parts, TRIED)) {
    return warning(`Consul ${version} is older than 1.8.7, the oldest that this was tried with`, 'upgrade it')
  }
  return fine(`Consul ${version}`)
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  const at = than.findIndex((part, place) => part !== version[place])
  return at >= 0 && (version[at] ?? 0) < (than[at] ?? 0)
}
