import { type AgentState, mayBeMaster, type YieldReason } from './agent-state.ts'
import { courtesyEndMs, isBetter } from './precedence.ts'

/** How long a free lock is left to the last master, which may recover, once there were too many failovers. */
const FLAPPING_MS = 60_000

/** Whether we want the lock. */
export function wantsLock(state: AgentState, nowMs: number): boolean {
  const { switches, traits } = state
  if (switches.disabled || switches.maintenance || traits.nofailover || state.reinit !== undefined) return false
  if (state.stopping || state.health !== 'healthy' || mayBeMaster(state)) return false
  if (nowMs < state.restUntilMs) return false
  return state.acceptsLoss || (state.ready && !leavesLock(state, nowMs))
}

/** Whether the lock is somebody else's for now; never for ever. */
function leavesLock(state: AgentState, nowMs: number): boolean {
  const { lockFreeSinceMs } = state
  const freeForMs = lockFreeSinceMs === undefined ? 0 : nowMs - lockFreeSinceMs
  if (freeForMs < FLAPPING_MS && waitsForLastMaster(state)) return true
  return nowMs < courtesyEndMs(state) && state.peers.some((peer) => isBetter(state, peer))
}

function waitsForLastMaster({ switches, lastMaster, peers }: AgentState): boolean {
  return switches.frozen && peers.some(({ node, isPresent }) => node === lastMaster && isPresent)
}

/** Why a master must give up the lock, if it must. */
export function reasonToYield(state: AgentState): YieldReason | undefined {
  if (state.stopping) return 'stopping'
  if (state.switches.disabled) return 'disabled'
  if (state.switches.maintenance)
    return state.application === 'master' ? undefined : whileNotMaster(state, 'not-wanted')
  if (state.application === 'master') return state.health === 'unhealthy' ? 'unhealthy' : undefined
  // A promotion may restart the application: it has the time of its timeout.
  if (state.application === 'promoting') return undefined
  if (!state.ready && !state.acceptsLoss) return 'not-ready'
  return state.health === 'unhealthy' ? 'unhealthy' : undefined
}

function whileNotMaster({ application }: AgentState, reason: YieldReason): YieldReason | undefined {
  return application === 'promoting' ? undefined : reason
}
