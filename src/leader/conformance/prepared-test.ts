import { hostname } from 'node:os'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { randomId } from '../../base/random-id.ts'
import { type AgentPlan, commandEnvironment } from '../agent-plan.ts'
import { answersAsAgent } from '../sole-agent.ts'
import { type Finding, testApplication } from './conformance-test.ts'
import { MemoryNotes } from './memory-notes.ts'
import { StrayProcesses } from './stray-processes.ts'
import { Subject } from './subject.ts'

const MARKER = 'CONSUL_LOCKER_LEADER_TEST'

/**
 * Puts the application of an agent's file through all checks. Rejects with a `conflict` failure when an agent is at
 * work on it: what is promoted and killed here would be the real one.
 */
export async function prepareTest(
  ctx: Context,
  { file, driver }: AgentPlan,
  environment: NodeJS.ProcessEnv,
): Promise<AsyncGenerator<Finding, void>> {
  if (await answersAsAgent(ctx, file.api)) {
    throw new Failure('conflict', `an agent of ${file.name} may run on this machine: one answers at ${file.api}`, {
      hint: 'test a scratch instance; or end that agent, or give another api',
    })
  }
  const id = randomId()
  const notes = new MemoryNotes()
  const node = hostname()
  const own = { ...commandEnvironment(environment, file.name, node), [MARKER]: id }
  const application = driver.make({ file, node, notes, environment: own })
  return testApplication(ctx, new Subject(file, application, notes), new StrayProcesses(`${MARKER}=${id}`))
}
