import { Failure } from '../../base/failure.ts'
import { readInstances } from '../../consul/instances.ts'
import { readKey } from '../../consul/kv.ts'
import { breaks, breaksBy, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { lackedRules } from '../rights/rule-trial.ts'
import type { ExaminedFile } from './examined-file.ts'

const TOPIC = 'The file'

const WHAT = { leader: 'an agent of leader', init: 'an init script', rollout: 'a host of a rollout' } as const

/** It says what it must. */
export const fileInspection: Inspection = {
  code: 'CL701',
  topic: TOPIC,
  title: 'valid',
  needs: [],
  asksConsul: false,
  look(_ctx, { file: { path, kind, outcome } }) {
    return outcome instanceof Failure ? breaksBy(outcome) : fine(`${path} is that of ${WHAT[kind]}, and valid`)
  },
}

/** What it names is on this machine. */
export const programsInspection: Inspection = {
  code: 'CL702',
  topic: TOPIC,
  title: 'programs',
  needs: ['CL701'],
  asksConsul: false,
  look: (_ctx, { file }) => judgePrograms(needsOf(file).programs),
}

export function judgePrograms(programs: readonly { readonly look: () => void }[]): Diagnosis {
  const troubles = programs.flatMap(({ look }) => {
    try {
      look()
      return []
    } catch (thrown) {
      if (thrown instanceof Failure) return [thrown]
      throw thrown
    }
  })
  const sentences = [...new Set(troubles.map(({ message }) => message))]
  if (sentences.length === 0) return fine('all that it names is there, and may be run')
  return breaks(sentences.join('; '), troubles.find(({ hint }) => hint !== undefined)?.hint)
}

/** The token may do all that it takes. */
export const fileRightsInspection: Inspection = {
  code: 'CL703',
  topic: TOPIC,
  title: 'rights',
  needs: ['CL701', 'CL105'],
  asksConsul: true,
  async look(ctx, { file, consul, answers }) {
    const configuration = await answers.configuration(ctx)
    const node = configuration === 'denied' ? undefined : configuration.node
    return judgeLackedRules(await lackedRules(ctx, { consul, answers }, needsOf(file).rules, node))
  },
}

export function judgeLackedRules(lacked: readonly string[]): Diagnosis {
  if (lacked.length === 0) return fine('the token may do all that it takes')
  const count = lacked.length === 1 ? 'an ACL rule' : `${lacked.length} ACL rules`
  return breaks(`the token lacks ${count} that it takes`, `give it ${lacked.join(' ')}`)
}

/** The service and the roles that an init script goes by are in Consul. */
export const clusterInspection: Inspection = {
  code: 'CL704',
  topic: TOPIC,
  title: 'cluster',
  needs: ['CL703'],
  asksConsul: true,
  async look(ctx, { file, consul, answers }) {
    const { cluster } = needsOf(file)
    if (!cluster) return fine('it goes by nothing else in Consul')
    const { entry } = await readKey(ctx, consul, cluster.key, { rights: 'read' })
    const { instances } = await readInstances(ctx, consul, cluster.service)
    const configuration = await answers.configuration(ctx)
    const node = configuration === 'denied' ? undefined : configuration.node
    const here = instances.filter((instance) => instance.node === node)
    return judgeCluster(cluster, entry !== undefined, here)
  },
}

/** Whether the roles are `known`, and how the service is on this node. */
export function judgeCluster(
  { service, key }: { readonly service: string; readonly key: string },
  areKnown: boolean,
  here: readonly { readonly health: string; readonly checks: readonly { readonly ServiceName: string }[] }[],
): Diagnosis {
  if (!areKnown) {
    return breaks(
      `nothing stands at ${key}, which says who is active`,
      `consul kv put ${key} '{"active_nodes":["node1"],"standby_nodes":["node2"]}'`,
    )
  }
  if (here.length === 0) {
    return warning(
      `no service ${service} is registered on this node`,
      'register it with a check at the agent (consul services register): a switch goes by it',
    )
  }
  if (!here.some(({ checks }) => checks.some(({ ServiceName }) => ServiceName === service))) {
    return warning(`the service ${service} has no check on this node`, 'consul-locker check is one that knows roles')
  }
  const isCritical = here.every(({ health }) => health === 'critical')
  return isCritical
    ? warning(`the service ${service} is critical on this node`, 'see consul-locker check, or the output of its check')
    : fine(`the service ${service} is registered on this node, and has checks`)
}

function needsOf({ outcome }: ExaminedFile) {
  if (outcome instanceof Failure) throw outcome
  return outcome
}
