import { Failure } from '../../../base/failure.ts'
import { agentSelf } from '../../../consul/agent-self.ts'
import type { ClusterAccess } from '../../../leader/cluster/cluster-access.ts'
import { leaderKeys } from '../../../leader/cluster/leader-keys.ts'
import { readLeaderFile } from '../../../leader/leader-file.ts'
import { checkKey } from '../../../lock/lock-keys.ts'
import { leaderOperatorRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { orFromFile } from '../../connection/consul-of-file.ts'
import { checkNoStrayOption } from '../../syntax/stray-options.ts'
import type { LeaderRequest } from './syntax.ts'
import { type LeaderWord, WORD_OPTIONS, WORDS } from './words/word-table.ts'

/** Words behind which a node is named, too. */
const TAKES_NODE: readonly LeaderWord[] = ['promote']

/** Does what an operator asks for, through Consul. Settles with the exit code; rejects with a `Failure`. */
export async function operate(request: LeaderRequest, word: LeaderWord): Promise<number> {
  const { ctx, options, words, environment } = request
  const { perform, takes } = WORDS[word]
  checkNoStrayOption(`leader ${word}`, options, WORD_OPTIONS, takes)
  const path = options.file
  const file = path === undefined ? undefined : readLeaderFile(path)
  const [, name = file?.name, operand, ...more] = words
  const [extra] = TAKES_NODE.includes(word) || operand === undefined ? more : [operand]
  if (name === undefined) {
    throw new Failure('usage', 'no application was named', { hint: `consul-locker leader ${word} <name>` })
  }
  if (extra !== undefined && word !== 'reinit')
    throw new Failure('usage', `${JSON.stringify(extra)} is one word too many`)
  const lockKey = options['lock-key'] ?? file?.lock_key
  const keys = leaderKeys(name, lockKey === undefined ? undefined : checkKey('--lock-key', lockKey))
  checkKey('name', name)
  const reach = file ? orFromFile(options, file.consul, environment) : options
  const consul = await connect(reach, environment, leaderOperatorRules(name, keys))
  const access: ClusterAccess = { consul, name, keys }
  const node = async () => options.node ?? (await agentSelf(ctx, consul)).node
  try {
    return await perform({ ctx, request, options, access, operand, node })
  } finally {
    consul.close()
  }
}
