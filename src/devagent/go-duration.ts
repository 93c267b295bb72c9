const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** Nanoseconds in a duration as Go's `time.ParseDuration` reads it, or the words in which it refuses the text. */
export function parseGoDuration(text: string): number | string {
  const refusal = `time: invalid duration ${JSON.stringify(text)}`
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  let rest = text.slice(sign.length)
  if (rest === '0') return 0
  if (rest === '') return refusal
  let ns = 0
  while (rest !== '') {
    const number = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0]
    if (number === undefined) return refusal
    rest = rest.slice(number.length)
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? ''
    if (unit === '') return `time: missing unit in duration ${JSON.stringify(text)}`
    const unitNs = UNIT_NS[unit]
    if (unitNs === undefined) {
      return `time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`
    }
    ns += Number(number) * unitNs
    rest = rest.slice(unit.length)
  }
  return Math.round(sign === '-' ? -ns : ns)
}
