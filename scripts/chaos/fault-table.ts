import { table } from '../stage/markdown.ts'
import { medianAndMost } from '../stage/statistics.ts'
import type { HistoryVerdict, Injection, Violation } from './checker.ts'

/** A verdict as a Markdown table, one row for each fault that was injected, in the order of `names`. */
export function faultTable(verdict: HistoryVerdict, names: readonly string[]): string {
  const rows = names
    .flatMap((name) => byTemper(verdict.injections.filter(({ fault }) => fault === name)))
    .filter((injections) => injections.length > 0)
    .map((injections) => rowOf(injections, verdict.violations))
  const calm: Cell[] = [
    '(a clean end)',
    verdict.cleanHandOversMs.length,
    '',
    medianAndMost(verdict.cleanHandOversMs, seconds),
    '',
    ...counts(verdict.violations, ({ after }) => after === 0),
  ]
  return table([HEAD, calm, ...rows])
}

/** What there is to say besides the table: the numbers of the whole, and each violation. */
export function summaryOf({ lives, updates, violations }: HistoryVerdict): string {
  const held = violations.filter(({ excused }) => !excused)
  const of = (kind: Violation['kind']) => held.filter((violation) => violation.kind === kind).length
  return [
    `${lives} commands ran and counted to ${updates}: ${of('overlap')} overlaps, ${of('lost update')} lost updates, ` +
      `${of('orphan')} orphans, ${of('fence')} fences that did not grow, ${of('stuck')} ends of progress, ` +
      `${of('crash')} crashes.`,
    ...violations
      .filter(({ kind }) => kind !== 'lost update')
      .map(({ kind, sentence, after, excused }) => {
        return `- ${kind} after fault ${after}${excused ? ' (excluded by the design)' : ''}: ${sentence}`
      }),
  ].join('\n')
}

/** Commands that had to die although they ignore TERM have a row of their own. */
function byTemper(injections: readonly Injection[]): Injection[][] {
  const isStubborn = ({ stubborn, outcome }: Injection) => stubborn && outcome !== 'survived'
  return [injections.filter((one) => !isStubborn(one)), injections.filter(isStubborn)]
}

type Cell = string | number

const HEAD: readonly Cell[] = [
  'fault',
  'times',
  'survived',
  'next holder starts after: median / max',
  'command dead after: median / max',
  'overlaps',
  'orphans',
  'lost updates',
]

function rowOf(injections: readonly Injection[], violations: readonly Violation[]): Cell[] {
  const numbers = injections.map(({ number }) => number)
  const stuck = injections.filter(({ outcome }) => outcome === 'stuck').length
  const times = (field: 'handOverMs' | 'deadAfterMs') => injections.flatMap((one) => one[field] ?? [])
  const [first] = injections
  const isStubborn = first?.stubborn && first.outcome !== 'survived'
  return [
    `${first?.fault}${isStubborn ? ', TERM ignored' : ''}`,
    injections.length,
    injections.filter(({ outcome }) => outcome === 'survived').length,
    stuck > 0 ? `never (${stuck})` : medianAndMost(times('handOverMs'), seconds),
    medianAndMost(times('deadAfterMs'), seconds),
    ...counts(violations, ({ after }) => numbers.includes(after)),
  ]
}

/** Overlaps with their longest, orphans, lost updates; those that the design excludes in brackets. */
function counts(violations: readonly Violation[], isOurs: (violation: Violation) => boolean): Cell[] {
  return (['overlap', 'orphan', 'lost update'] as const).map((kind) => {
    const ours = violations.filter((violation) => violation.kind === kind && isOurs(violation))
    if (ours.length === 0) return 0
    const longest = Math.max(...ours.map(({ ms }) => ms))
    const text = longest > 0 ? `${ours.length} (${seconds(longest)})` : String(ours.length)
    return ours.every(({ excused }) => excused) ? `[${text}]` : text
  })
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
