import type { LeaderFile } from '../leader-file.ts'
import type { ApplicationCall } from '../machine/agent-state.ts'

/** When somebody else may be master already. */
const HURRIED_MS = 2000

/** Handlers of ours whose slaves begin with a copy of all data when they must, which takes as long as it takes. */
const COPYING: readonly string[] = ['postgres', 'mysql']

/** How long a call of the application may take, in milliseconds. */
export function callLimitMs(
  { application = '', timeouts }: LeaderFile,
  call: ApplicationCall,
  hurried: boolean,
): number {
  const ownMs = timeouts[call === 'ensure-slave' && COPYING.includes(application) ? 'copy' : LIMITS[call]]
  return hurried ? Math.min(ownMs, HURRIED_MS) : ownMs
}

const LIMITS: Record<ApplicationCall, keyof LeaderFile['timeouts']> = {
  ready: 'health',
  'ensure-master': 'ensure',
  'ensure-slave': 'ensure',
  'stand-by': 'ensure',
  reinit: 'copy',
  demote: 'demote',
  fence: 'fence',
}
