import { formatDuration } from '../base/duration.ts'
import { printable } from '../base/excerpt.ts'
import type { Cluster, Member } from '../leader/cluster.ts'

const COLUMNS = 80
/** One node's odd name leaves room for what is to be seen of the others. */
const LONGEST_CELL = 40
const REMARK = 5

/** A cluster for people, in lines of at most 80 columns. */
export function clusterTable(cluster: Cluster, nowMs: number): string[] {
  const above = [headline(cluster, nowMs), ...notes(cluster, nowMs)].map((line) => printable(line).slice(0, COLUMNS))
  return [...above, '', ...memberLines(cluster.members)]
}

/** One line for each member. */
export function memberLines(members: readonly Member[]): string[] {
  const rows = members.map((member) => [
    member.node,
    member.role,
    member.health,
    String(member.priority),
    `${member.address}:${member.port}`,
    remark(member),
  ])
  const table = [['NODE', 'ROLE', 'HEALTH', 'PRIO', 'ADDRESS', ''], ...rows.map((row) => row.map(cellOf))]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)))
  return table.map((row) => {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
    return line.trimEnd().slice(0, COLUMNS)
  })
}

function cellOf(text: string, column: number): string {
  const cell = printable(text)
  return column === REMARK || cell.length <= LONGEST_CELL ? cell : `${cell.slice(0, LONGEST_CELL - 1)}…`
}

function headline({ name, master, promoting }: Cluster, nowMs: number): string {
  if (!master) return `${name}: no master`
  const since = Date.parse(master.since)
  const duration = Number.isNaN(since) ? '' : ` for ${formatDuration(Math.max(0, nowMs - since))}`
  return `${name}: ${master.node} is ${promoting ? 'becoming master' : 'master'}${duration}`
}

function notes({ frozen, maintenanceUntil, failovers }: Cluster, nowMs: number): string[] {
  const recent = failovers.filter((at) => nowMs - Date.parse(at) < 3_600_000).length
  return [
    ...(frozen ? [`frozen${frozen.since === undefined ? '' : ` since ${frozen.since}`}: ${frozen.why}`] : []),
    ...(maintenanceUntil ? [`in maintenance until ${maintenanceUntil}`] : []),
    ...(recent > 0 ? [`${recent} ${recent === 1 ? 'failover' : 'failovers'} within the last hour`] : []),
  ]
}

function remark({ disabled, maintenanceUntil, candidate, role, message }: Member): string {
  if (disabled) return 'disabled'
  if (maintenanceUntil) return `in maintenance until ${maintenanceUntil}`
  if (role === 'slave' && !candidate) return 'no candidate'
  return message
}
