/** What several samples of one quantity say. */
export interface Figure {
  readonly value: number
  readonly samples: number
  readonly least: number
  readonly most: number
}

/** The samples' quantile `q`, from 0 to 1, by the nearest rank: always a value that was seen. */
export function quantile(samples: readonly number[], q: number): Figure {
  const sorted = [...samples].sort((one, other) => one - other)
  const rank = Math.max(1, Math.ceil(q * sorted.length))
  const [value, least, most] = [sorted[rank - 1], sorted[0], sorted.at(-1)]
  if (value === undefined || least === undefined || most === undefined) throw new Error('There are no samples.')
  return { value, samples: sorted.length, least, most }
}

export function median(samples: readonly number[]): Figure {
  return quantile(samples, 0.5)
}

/** The median and the largest, as text. */
export function medianAndMost(samples: readonly number[], text: (sample: number) => string): string {
  if (samples.length === 0) return '–'
  const { value, most } = median(samples)
  return `${text(value)} / ${text(most)}`
}
