import { fitted } from '../../../base/columns.ts'
import { formatDuration } from '../../../base/duration.ts'
import { printable } from '../../../base/printable.ts'
import type { ClusterMember, ClusterStatus } from '../../../leader/cluster/cluster-status.ts'
import { outputWidth, tableLines } from '../../output/table.ts'

/** One node's odd name leaves room for what is to be seen of the others. */
const LONGEST_CELL = 40
const COLUMNS = [
  ...['NODE', 'ROLE', 'HEALTH', 'PRIO', 'ADDRESS'].map((head) => ({ head, atMost: LONGEST_CELL })),
  { head: '', atLeast: 8 },
]

/** A cluster for people. */
export function clusterTable(cluster: ClusterStatus, nowMs: number, width = outputWidth()): string[] {
  const above = [headline(cluster, nowMs), ...notes(cluster, nowMs)].map((line) => fitted(printable(line), width))
  return [...above, '', ...memberLines(cluster.members, width)]
}

/** One line for each member. */
export function memberLines(members: readonly ClusterMember[], width = outputWidth()): string[] {
  const rows = members.map((member) => [
    member.node,
    member.role,
    member.health,
    String(member.priority),
    `${member.address}:${member.port}`,
    remark(member),
  ])
  return tableLines(COLUMNS, rows, width)
}

function headline({ name, master, promoting }: ClusterStatus, nowMs: number): string {
  if (!master) return `${name}: no master`
  const since = Date.parse(master.since)
  const duration = Number.isNaN(since) ? '' : ` for ${formatDuration(Math.max(0, nowMs - since))}`
  return `${name}: ${master.node || 'somebody'} is ${promoting ? 'becoming master' : 'master'}${duration}`
}

function notes({ frozen, maintenanceUntil, switchover, failovers, absent }: ClusterStatus, nowMs: number): string[] {
  const recent = failovers.filter((at) => nowMs - Date.parse(at) < 3_600_000).length
  return [
    ...(frozen ? [`frozen${frozen.until === undefined ? '' : ` until ${frozen.until}`}: ${frozen.why}`] : []),
    ...(maintenanceUntil ? [`in maintenance until ${maintenanceUntil}`] : []),
    ...(switchover ? [`switchover to ${switchover.candidate} ${whenText(switchover, nowMs)}`] : []),
    ...(absent.length > 0 ? [`switched off or in maintenance without an agent: ${absent.join(', ')}`] : []),
    ...(recent > 0 ? [`${recent} ${recent === 1 ? 'failover' : 'failovers'} within the last hour`] : []),
  ]
}

function whenText({ at, by }: NonNullable<ClusterStatus['switchover']>, nowMs: number): string {
  const leftMs = Date.parse(at) - nowMs
  const left = leftMs > 0 ? `in ${formatDuration(leftMs)}` : `due for ${formatDuration(-leftMs)}`
  return `at ${at.slice(0, 19)}Z (${left}), by ${by}`
}

function remark({ disabled, maintenanceUntil, candidate, role, message, reinit }: ClusterMember): string {
  if (reinit?.state === 'failed') return `reinit failed: ${reinit.message ?? ''}`
  if (reinit?.state === 'running') return `reinit since ${reinit.since ?? reinit.at}`
  if (reinit) return `reinit asked for by ${reinit.by}`
  if (disabled) return 'disabled'
  if (maintenanceUntil) return `in maintenance until ${maintenanceUntil}`
  if (role === 'slave' && !candidate) return 'no candidate'
  return message
}
