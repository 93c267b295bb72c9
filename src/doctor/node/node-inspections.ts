import type { Context } from '../../base/context.ts'
import { formatDuration } from '../../base/duration.ts'
import type { AgentConfiguration } from '../agent/agent-answers.ts'
import { READS_AGENT } from '../agent/agent-rule.ts'
import { cantTell, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { ExaminedSystem } from '../examined-system.ts'
import type { Inspection } from '../inspection.ts'
import { judgeNode, judgeSerfHealth, judgeSessionRight, judgeTtl, trySession } from './session-trial.ts'

async function nodeName(ctx: Context, { answers }: ExaminedSystem): Promise<string | undefined> {
  const configuration = await answers.configuration(ctx).catch(() => 'denied' as const)
  return configuration === 'denied' ? undefined : configuration.node
}

/** The token may have sessions here. */
export const sessionRightInspection: Inspection = {
  code: 'CL401',
  topic: 'Rights',
  title: 'sessions',
  needs: ['CL105'],
  asksConsul: true,
  look: async (ctx, system) => judgeSessionRight(await system.answers.session(ctx), await nodeName(ctx, system)),
}

/** The catalog has the node. */
export const nodeInspection: Inspection = {
  code: 'CL301',
  topic: 'This node',
  title: 'catalog',
  needs: ['CL401'],
  asksConsul: true,
  look: async (ctx, system) => judgeNode(await system.answers.session(ctx), await nodeName(ctx, system)),
}

/** The others see the node's agent. */
export const serfHealthInspection: Inspection = {
  code: 'CL302',
  topic: 'This node',
  title: 'serfHealth',
  needs: ['CL301'],
  asksConsul: true,
  look: async (ctx, { answers }) => judgeSerfHealth(await answers.session(ctx)),
}

/** The servers take our TTL. */
export const ttlInspection: Inspection = {
  code: 'CL303',
  topic: 'This node',
  title: 'session TTL',
  needs: ['CL401'],
  asksConsul: true,
  look: async (ctx, { consul, timing: { ttlMs } }) =>
    judgeTtl(await trySession(ctx, consul, ttlMs), formatDuration(ttlMs)),
}

/** A restart of the agent ends no session. */
export const leavingInspection: Inspection = {
  code: 'CL304',
  topic: 'This node',
  title: 'leave_on_terminate',
  needs: ['CL105'],
  asksConsul: true,
  async look(ctx, { answers }) {
    const configuration = await answers.configuration(ctx)
    return configuration === 'denied'
      ? cantTell('the token may not read whether the agent leaves when it is stopped', READS_AGENT)
      : judgeLeaving(configuration)
  },
}

export function judgeLeaving({ leavesOnTerminate }: Pick<AgentConfiguration, 'leavesOnTerminate'>): Diagnosis {
  if (leavesOnTerminate === undefined) return cantTell("the agent doesn't say what leave_on_terminate is")
  if (!leavesOnTerminate) return fine('a restart of the agent ends no run: leave_on_terminate is off')
  return warning(
    'leave_on_terminate is on: a restart of the agent ends every run of this node',
    'set "leave_on_terminate": false in the agent\'s configuration; for a client it is on unless that is said',
  )
}
