import { hostPortText } from '../base/host-port.ts'
import type { ClusterMember, ClusterStatus } from '../leader/cluster/cluster-status.ts'
import type { History } from '../leader/cluster/leader-history.ts'
import type { LeaderView } from '../overview/leader-view.ts'
import type { Bar, LeaderRow, Member } from './scene.ts'
import { instantAs, line } from './texts.ts'

/** An application with a leader, as a page is shown it. */
export function leaderRow({ status, history }: LeaderView): LeaderRow {
  const { name, master, promoting, members } = status
  return {
    name: line(name),
    ...(master && {
      master: { node: line(master.node), address: addressOf(master), ...instantAs('sinceMs', master.since) },
    }),
    isPromoting: promoting,
    members: members.map(memberOf),
    notes: notesOn(status),
    reigns: reignsIn(history),
  }
}

function addressOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return line(hostPortText({ host: address, port }))
}

function memberOf(member: ClusterMember): Member {
  const { node, role, health, message, priority, disabled, maintenanceUntil, reinit } = member
  return {
    node: line(node),
    address: addressOf(member),
    role: line(role),
    health,
    message: line(message),
    priority,
    isDisabled: disabled,
    ...instantAs('maintenanceUntilMs', maintenanceUntil),
    ...(reinit && { reinit: `reinit ${reinit.state ?? 'asked for'}` }),
  }
}

function notesOn({ frozen, maintenanceUntil, switchover, absent }: ClusterStatus): string[] {
  return [
    ...(frozen ? [`Frozen: ${frozen.why}`] : []),
    ...(maintenanceUntil === undefined ? [] : [`In maintenance until ${maintenanceUntil}`]),
    ...(switchover
      ? [`To be handed over to ${switchover.candidate} at ${switchover.at}, asked for by ${switchover.by}`]
      : []),
    ...(absent.length > 0 ? [`Switched, but no agent is there: ${absent.join(', ')}`] : []),
  ].map(line)
}

/** A reign that still lasts runs; another one is over, and nothing of it failed. */
function reignsIn({ reigns = [] }: History): Bar[] {
  return reigns.map(({ node, since, until, why, by, fence }) => {
    const how = until === undefined ? 'is master' : `${why ?? 'over'}${by === undefined ? '' : ` (${by})`}`
    return {
      id: `${node} ${since} ${fence ?? ''}`,
      host: line(node),
      startMs: Date.parse(since),
      ...instantAs('endMs', until),
      state: until === undefined ? 'running' : 'ok',
      how: line(how),
    }
  })
}
