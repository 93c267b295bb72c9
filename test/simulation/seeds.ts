import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** From which to which part of all stories are told; all of them unless a run asks for less. */
    stories: readonly [from: number, to: number]
  }
}

/**
 * How long stories may take on a machine that has a lot to do, in milliseconds: a story that never ends is found out by
 * its own clock.
 */
export const STORY_PATIENCE_MS = 900_000

/** Fewer stories tell nothing. */
const FEWEST = 40

/** The seeds, of so many, that have their stories told. Where one story is a long one, a few tell something. */
export function seedsOf(all: number, fewest = FEWEST): readonly number[] {
  const [from, to] = inject('stories') ?? [0, 1]
  const first = Math.ceil(all * from)
  const count = Math.max(fewest, Math.ceil(all * to) - first)
  return Array.from({ length: count }, (_, at) => first + at)
}

/** For a title: how many there are, and which is the first. */
export function describeSeeds(seeds: readonly number[]): string {
  return `${seeds.length} seeds from ${seeds[0]} on`
}
