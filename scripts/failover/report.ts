import type { Fault } from './faults.ts'
import type { Round } from './round.ts'

const HEAD = [
  'fault',
  'rounds',
  'without a master: median / max',
  'next master writes after: median / max',
  'old tag gone after: median / max',
  'acknowledged writes lost',
  'two masters at once',
]

/** Rounds as a Markdown table, one row for each fault. */
export function tableOf(rounds: readonly Round[], faults: readonly Fault[]): string {
  const rows = faults.map(({ name, title }) =>
    rowOf(
      title,
      rounds.filter(({ fault }) => fault === name),
    ),
  )
  const rule = HEAD.map((_, column) => (column === 0 ? '---' : '---:'))
  return [HEAD, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function rowOf(title: string, rounds: readonly Round[]): (string | number)[] {
  const sum = (count: (round: Round) => number) => rounds.reduce((total, round) => total + count(round), 0)
  return [
    title,
    rounds.length,
    spread(rounds.map(({ withoutMasterMs }) => withoutMasterMs)),
    spread(rounds.map(({ newMasterMs }) => newMasterMs)),
    spread(rounds.map(({ tagGoneMs }) => tagGoneMs)),
    `${sum(({ lost }) => lost)} of ${sum(({ acknowledged }) => acknowledged)}`,
    sum(({ breaches }) => breaches.length),
  ]
}

function spread(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)]
  return median === undefined ? '–' : `${seconds(median)} / ${seconds(sorted.at(-1) ?? 0)}`
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(1)} s`
}
