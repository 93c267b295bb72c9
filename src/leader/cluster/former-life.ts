import type { AgentIdentity, LeaderRecord } from './leader-record.ts'

/**
 * Whether this lock's holder is a former life of the agent: of this node, of this very boot of the machine, and dead.
 * Nothing of it is left that could give its lock back, once its guardian is at no work any more.
 */
export function isFormerLife(
  holder: Partial<LeaderRecord>,
  own: Pick<AgentIdentity, 'node' | 'boot' | 'pid' | 'runId'>,
  isAlive: (pid: number) => boolean,
): boolean {
  const { node, boot, pid, runId } = holder
  if (node !== own.node || boot !== own.boot || boot === 'unknown' || runId === undefined || runId === own.runId)
    return false
  // A container gives its processes the same ids again and again.
  return pid !== undefined && (pid === own.pid || !isAlive(pid))
}
