import { wrapped } from '../stage/markdown.ts'
import { comparisonTable, textOf } from './comparison-table.ts'
import { type HistoryCost, historyText } from './history-cost.ts'
import { type Listing, listingText } from './listing-cost.ts'
import type { Machine } from './machine.ts'
import type { Row } from './row.ts'
import { type Scale, scaleText } from './scale-cost.ts'
import { type Serving, servingText } from './serving.ts'

const RATIO =
  '¹ ours to `consul lock`’s, with the interval in which it lies; a goal is reached, or missed, when all of the ' +
  'interval says so.'

/** All that a run of the benchmark found. */
export interface Report {
  readonly machine: Machine & { readonly loadAfter: number }
  readonly quick: boolean
  readonly rows: readonly Row[]
  readonly serving?: Serving
  readonly history?: HistoryCost
  readonly listing?: Listing
  readonly scale?: Scale
}

/** The report as Markdown. */
export function reportText({ machine, quick, rows, serving, history, listing, scale }: Report): string {
  const { date, cores, processor, kernel, consul, consulLocker, loadBefore, loadAfter } = machine
  const facts =
    `${date.slice(0, 10)}, ${cores} cores (${processor}), Linux ${kernel}, load ${loadBefore} before and ${loadAfter} after; ` +
    `consul-locker ${consulLocker}, Consul ${consul}${quick ? '; --quick: counts too small for figures' : ''}.`
  const notes = [
    facts,
    floors(rows),
    serving ? servingText(serving) : '',
    history ? historyText(history) : '',
    listing ? listingText(listing) : '',
    scale ? scaleText(scale) : '',
    machine.countsOrphans ? '' : 'The CPU time of orphans, as our guardian, is missing.',
  ]
  const words = wrapped([rows.length > 0 ? RATIO : '', ...notes].filter(Boolean).join(' '))
  return rows.length > 0 ? `${comparisonTable(rows)}\n\n${words}` : words
}

/** What others than the three took, for comparison. */
function floors(rows: readonly Row[]): string {
  const value = (id: string, tool: string) => {
    const row = rows.find((one) => one.id === id)
    const figure = row?.figures[tool]
    return row && figure ? textOf(figure.value, row.unit) : undefined
  }
  const flock = value('uncontended.wall', 'flock')
  const shell = value('uncontended.wall', 'consul lock, shell')
  return flock && shell
    ? `Beside these, a run of \`true\` takes flock(1) ${flock}, and \`consul lock\` with its default shell ${shell}.`
    : ''
}
