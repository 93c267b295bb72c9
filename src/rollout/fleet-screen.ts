import { formatDuration } from '../base/duration.ts'
import { oneLine } from '../base/printable.ts'
import type { FleetSlots } from './fleet-slots.ts'
import type { FleetStatus, HostStatus } from './fleet-status.ts'

const COLUMNS = 80
const NAME_COLUMNS = 11
const BAR = 50
/** So many hosts of a kind stand on lines of their own. */
const MOST = 10

/** A rollout's status in lines of 80 columns at most, with a bar when somebody watches. */
export function fleetScreen(status: FleetStatus, withBar: boolean): string[] {
  const { version, forced, slots, hosts } = status
  if (version === undefined) return ['no version was triggered yet']
  const done = hosts.filter(({ state }) => state === 'done').length
  const head = `${version}${forced ? ', by force' : ''}: ${done} of ${hosts.length} hosts run it`
  const lines = [head, ...(withBar ? [bar(done, hosts.length)] : []), ...roleLines(hosts), slotLine(slots)]
  for (const state of ['upgrading', 'rebooting', 'failed', 'dead'] as const) {
    const some = hosts.filter((host) => host.state === state)
    lines.push(...some.slice(0, MOST).map((host) => `${state.padEnd(NAME_COLUMNS)}${host.host}${detail(host)}`))
    if (some.length > MOST) lines.push(`${' '.repeat(NAME_COLUMNS)}and ${some.length - MOST} more`)
  }
  for (const [why, waiting] of byReason(hosts)) {
    const names = waiting.slice(0, MOST).join(', ')
    const more = waiting.length > MOST ? ` and ${waiting.length - MOST} more` : ''
    lines.push(`${'waiting'.padEnd(NAME_COLUMNS)}${names}${more}`, `${' '.repeat(NAME_COLUMNS)}for: ${why}`)
  }
  return lines.map((line) => (line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line))
}

function bar(done: number, all: number): string {
  const part = all === 0 ? 0 : done / all
  const full = Math.floor(part * BAR)
  return `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}] ${Math.floor(part * 100)}%`
}

function roleLines(hosts: readonly HostStatus[]): string[] {
  const roles = [...new Set(hosts.map(({ role }) => role))].sort()
  return roles.map((role) => {
    const own = hosts.filter((host) => host.role === role)
    const done = own.filter(({ state }) => state === 'done').length
    return `${`  ${role}`.padEnd(NAME_COLUMNS)} ${done} of ${own.length}`
  })
}

/** `slots      1 of 2 taken, db 1 of 1` */
function slotLine(slots: readonly FleetSlots[]): string {
  const parts = slots.map(({ role, limit, takenBy }, nth) => {
    const name = role === undefined ? '' : `${role} `
    return `${name}${takenBy.length} of ${limit}${nth === 0 ? ' taken' : ''}`
  })
  return `${'slots'.padEnd(NAME_COLUMNS)}${parts.join(', ')}`
}

function detail({ why, forMs }: HostStatus): string {
  if (why !== undefined) return `: ${oneLine(why, COLUMNS)}`
  return forMs === undefined ? '' : ` for ${formatDuration(forMs)}`
}

/** Hosts that wait for the same reason are told together. */
function byReason(hosts: readonly HostStatus[]): Map<string, string[]> {
  const reasonOf = ({ state, why }: HostStatus) =>
    state === 'waiting' && why !== undefined ? oneLine(why, COLUMNS) : undefined
  const groups = [...Map.groupBy(hosts, reasonOf)]
  return new Map(groups.flatMap(([why, hosts]) => (why === undefined ? [] : [[why, hosts.map(({ host }) => host)]])))
}
