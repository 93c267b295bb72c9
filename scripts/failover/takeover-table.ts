import { table } from '../stage/markdown.ts'
import { medianAndMost } from '../stage/statistics.ts'
import { faultsOf, type MasterFault } from './master-faults.ts'
import type { Round } from './round.ts'
import type { System } from './system.ts'

/**
 * Rounds as Markdown tables: one for each application, a row for each fault, a column for each system that keeps it.
 */
export function takeoverTables(
  rounds: readonly Round[],
  faults: readonly MasterFault[],
  systems: readonly System[],
): string {
  const applications = [...new Set(systems.map(({ application }) => application))]
  const tables = applications.map((application) => {
    const keepers = systems.filter((system) => system.application === application)
    const rows = faults
      .filter((fault) => keepers.some((system) => faultsOf(system, [fault]).length > 0))
      .map(({ name, title }) => [
        title,
        ...keepers.map((system) =>
          cellOf(rounds.filter((round) => round.fault === name && round.system === system.name)),
        ),
      ])
    const head = [`${NAMES[application]}: without a master, median / max`, ...keepers.map(({ title }) => title)]
    return table([head, ...rows, ['rounds; acknowledged writes', ...keepers.map((system) => totalOf(rounds, system))]])
  })
  return tables.join('\n\n')
}

const NAMES = { redis: 'Redis', postgres: 'PostgreSQL' } as const

/** What a system did: how long nobody was master, and whatever must not be. */
function cellOf(rounds: readonly Round[]): string {
  if (rounds.length === 0) return '–'
  const sum = (count: (round: Round) => number) => rounds.reduce((total, round) => total + count(round), 0)
  const times = rounds.map(({ withoutMasterMs }) => withoutMasterMs)
  const repaired = sum(({ waitedForRepair }) => Number(waitedForRepair))
  const broken = sum(({ to }) => Number(to === undefined))
  const refused = sum(({ refusal }) => Number(refusal !== undefined))
  const lost = sum((round) => round.lost ?? 0)
  const split = rounds.filter(({ breaches }) => breaches.length > 0)
  const remarks = [
    refused > 0 && `refused ${refused}×`,
    repaired > 0 && `until repaired ${repaired}×`,
    broken > 0 && `**never whole again ${broken}×**`,
    lost > 0 && `**${lost} lost**`,
    split.length > 0 && `**two masters ${split.length}×, ${lengthOf(split)}**`,
  ].filter((remark) => remark !== false)
  const [only = 0, ...more] = times
  return [more.length === 0 ? seconds(only) : medianAndMost(times, seconds), ...remarks].join('; ')
}

function totalOf(rounds: readonly Round[], { name }: System): string {
  const own = rounds.filter(({ system }) => system === name)
  return `${own.length}; ${own.reduce((total, { acknowledged }) => total + acknowledged, 0)}`
}

/** The longest time from the first write to the last one that only a master may accept. */
function lengthOf(split: readonly Round[]): string {
  const breaches = split.flatMap(({ breaches }) => breaches)
  const ms = Math.max(...breaches.map(({ at, until }) => until - at))
  return ms > 0 ? seconds(ms) : 'a write each'
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(1)} s`
}
