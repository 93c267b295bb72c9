import { Failure } from '../../../base/failure.ts'
import { checkGuardianPrerequisites } from '../../../child/guardian-prerequisites.ts'
import { type AgentPlan, readAgentPlan } from '../../../leader/agent-plan.ts'
import { runAgent } from '../../../leader/run-agent.ts'
import { leaderRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { orFromFile } from '../../connection/consul-of-file.ts'
import { consulVariables } from '../../connection/consul-variables.ts'
import { EXIT } from '../../exit-codes.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { checkNoStrayOption } from '../../syntax/stray-options.ts'
import { testHandler } from './handler-test.ts'
import { operate } from './leader-operation.ts'
import { LEADER_SYNTAX, type LeaderRequest } from './syntax.ts'
import { isLeaderWord, WORD_OPTIONS, WORDS } from './words/word-table.ts'

const HINT = 'consul-locker leader -f FILE'
/** The one word that needs no Consul. */
const TEST = 'test'

/** `consul-locker leader FILE`, as a `#!` line calls it, or `leader WORD NAME` */
export const leaderCommand = subcommand(LEADER_SYNTAX, async (request) => {
  const { options, words } = request
  const [first] = words
  if (isLeaderWord(first)) return operate(request, first)
  const isTest = first === TEST
  checkNoStrayOption(isTest ? 'leader test' : 'an agent', options, WORD_OPTIONS, isTest ? ['yes'] : [])
  if (isTest) return testHandler(request)
  const [path = options.file, extra] = words
  if (path === undefined) throw new Failure('usage', 'no configuration was named', { hint: HINT })
  if (extra !== undefined) {
    const hint = `the words are ${[...Object.keys(WORDS), TEST].join(', ')}; otherwise: ${HINT}`
    throw new Failure('usage', `${JSON.stringify(extra)} is one word too many`, { hint })
  }
  return runLeader(request, path)
})

async function runLeader({ ctx, options, environment, signals }: LeaderRequest, path: string): Promise<number> {
  checkGuardianPrerequisites(environment.PATH)
  const plan = await readAgentPlan(ctx, path, environment)
  const reach = orFromFile(options, plan.file.consul, environment)
  const consul = await connect(reach, environment, rulesOf(plan))
  try {
    const isClean = await runAgent(ctx, { plan, consul, environment, connection: consulVariables(reach), signals })
    return isClean ? EXIT.done : EXIT.lost
  } finally {
    consul.close()
  }
}

function rulesOf({ file, keys }: AgentPlan): string[] {
  return leaderRules(file.name, { ...keys, note: file.application === undefined ? undefined : keys.note })
}
