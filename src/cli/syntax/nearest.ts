import { distance } from 'fastest-levenshtein'

/** Words of flock, of `consul lock` and of JioCloud's, and what they are called here. */
const PEERS: Readonly<Record<string, string>> = {
  nb: 'no-wait',
  nonblock: 'no-wait',
  timeout: 'wait',
  try: 'wait',
  noop: 'dry-run',
}

const FARTHEST = 2

/** The word that somebody meant who wrote this one; `undefined` when no guess is good. A letter is no basis for one. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length < 2) return undefined
  const lower = word.toLowerCase()
  const called = Object.hasOwn(PEERS, lower) ? PEERS[lower] : undefined
  if (called !== undefined && known.includes(called)) return called
  const ranked = known
    .map((candidate) => ({ candidate, far: distance(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= FARTHEST && far * 2 <= candidate.length)
    .sort((one, other) => one.far - other.far)
  return ranked[0]?.candidate
}
