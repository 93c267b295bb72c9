/** A limit as a file has it: a number of hosts, or a percentage of all. */
export type HostLimit = number | { readonly percent: number }

/** Reads `10%`; `undefined` when it is no percentage up to 100. */
export function parsePercentage(text: string): HostLimit | undefined {
  const percent = Number(/^(\d{1,3})%$/.exec(text)?.[1] ?? Number.NaN)
  return percent <= 100 ? { percent } : undefined
}

/** How many of `all` hosts these are, rounded down. */
export function hostsIn(limit: HostLimit, all: number): number {
  return typeof limit === 'number' ? limit : Math.floor((all * limit.percent) / 100)
}

/** The same where hosts must get on: a percentage of few hosts is one of them, but 0 % is none. */
export function limitIn(limit: HostLimit, all: number): number {
  const hosts = hostsIn(limit, all)
  return typeof limit === 'number' || limit.percent === 0 ? hosts : Math.max(1, hosts)
}
