import type { Context } from '../../base/context.ts'
import { LEFT_VARIABLE } from '../../child/guardian-arguments.ts'
import { GuardianSupervisor } from '../../child/guardian-supervisor.ts'
import { asInternal } from '../../child/internal-command.ts'
import type { Consul } from '../../consul/consul.ts'
import type { AgentPlan } from '../agent-plan.ts'
import { loadDriver } from '../application/driver.ts'
import { ConsulNoteStore } from '../application/note-store.ts'
import { leaderKeys } from '../cluster/leader-keys.ts'
import type { AgentIdentity } from '../cluster/leader-record.ts'
import { CALL_GRACE_MS, leaderTiming } from '../leader-timing.ts'
import { serviceTerms } from '../service/service-definition.ts'
import { parseCleanupTask } from './agent-guardian.ts'
import { CLEANUP, type CleanupPlan, PLAN_VARIABLE } from './cleanup-plan.ts'
import { cleanUpAfter } from './dead-agent.ts'
import { disarmAfter } from './watchdog.ts'

/** While its application is no master, an agent's guardian has no deadline at which it would end by itself. */
const ORPHAN_LOOK_MS = 2000

/**
 * Starts the guardian of this agent. It runs this very executable when the agent is gone; the environment is
 * that of the application's commands, with what says how to reach Consul.
 */
export function startAgentGuardian(
  ctx: Context,
  { path, file, driver, watchdog }: AgentPlan,
  { node, runId: agent }: Pick<AgentIdentity, 'node' | 'runId'>,
  environment: NodeJS.ProcessEnv,
): GuardianSupervisor {
  const armed = watchdog === undefined ? {} : { watchdog: { device: watchdog, pid: process.pid } }
  const plan: CleanupPlan = { path, file, node, agent, moduleExports: driver.moduleExports, ...armed }
  return new GuardianSupervisor(ctx.clock, ctx.log, {
    graceMs: CALL_GRACE_MS,
    orphanLookMs: ORPHAN_LOOK_MS,
    // What the application's commands leave behind is the application.
    marker: undefined,
    release: [process.execPath, CLEANUP],
    environment: asInternal(CLEANUP, { ...environment, [PLAN_VARIABLE]: JSON.stringify(plan) }),
  })
}

/**
 * Does what the guardian's word asks for after its agent's death. Settles with `false` when the application could be
 * neither demoted nor fenced.
 */
export async function runCleanup(
  ctx: Context,
  consul: Consul,
  environment: NodeJS.ProcessEnv,
  word: string,
): Promise<boolean> {
  const { [PLAN_VARIABLE]: text = '{}', [LEFT_VARIABLE]: left, ...own } = environment
  const { path, file, node, agent, moduleExports, watchdog } = JSON.parse(text) as CleanupPlan
  const keys = leaderKeys(file.name, file.lock_key)
  const driver = await loadDriver(ctx, file, own, moduleExports)
  const notes = new ConsulNoteStore(consul, keys.note)
  const timing = leaderTiming(path, file)
  const dead = {
    consul,
    keys,
    node,
    service: serviceTerms(file, timing, agent),
    application: driver.make({ file, node, notes, environment: own }),
    fenceMs: file.timeouts.fence,
    disarm: async (ctx: Context) => {
      if (watchdog) await disarmAfter(ctx, watchdog.device, watchdog.pid)
    },
  }
  const leftMs = left === undefined ? timing.graceMs : Number(left) * 10
  return cleanUpAfter(ctx, dead, parseCleanupTask(word), leftMs)
}
