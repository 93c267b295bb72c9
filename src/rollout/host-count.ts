/** A number of hosts, or a part of all. */
export type HostCount = number | { readonly percent: number }

/** Reads `10%`; `undefined` when it is no percentage up to 100. */
export function parsePercentage(text: string): HostCount | undefined {
  const percent = Number(/^(\d{1,3})%$/.exec(text)?.[1] ?? Number.NaN)
  return percent <= 100 ? { percent } : undefined
}

/** How many of `all` hosts these are, rounded down. */
export function hostsIn(count: HostCount, all: number): number {
  return typeof count === 'number' ? count : Math.floor((all * count.percent) / 100)
}

/** The same as a limit: a percentage of few hosts is one of them, but 0 % is none. */
export function limitIn(count: HostCount, all: number): number {
  const hosts = hostsIn(count, all)
  return typeof count === 'number' || count.percent === 0 ? hosts : Math.max(1, hosts)
}
