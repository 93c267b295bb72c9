import type { Stryker } from '@stryker-mutator/core'

type Mutant = Awaited<ReturnType<Stryker['runMutationTest']>>[number]

/** How many mutants of a file, or of all files of a folder, a test has found. */
export interface Score {
  /** From the root of the project. */
  readonly path: string
  readonly found: number
  readonly of: number
}

/** A row of the table in docs/mutants.md. */
export interface MutantRow extends Score {
  /** What the mutants change that live, and why no test finds them. */
  readonly word: string
}

/** Rooms whose own tests say less of them than those of a room that is built on them. */
const USERS: Readonly<Record<string, readonly string[]>> = { child: ['run'] }

/**
 * The tests that a mutant of `path` meets, as patterns: the unit tests of its room, and of those that are built on it.
 */
export function testsOf(path: string): readonly string[] {
  const room = path.split('/')[1] as string
  return [room, ...(USERS[room] ?? [])].map((name) => `test/unit/${name}/**/*.test.ts`)
}

/** The rows of the table in docs/mutants.md. */
export function listed(page: string): readonly MutantRow[] {
  const rows = page.matchAll(
    /^\| `(?<path>src\/[^`]+)` \| (?<found>\d+) \/ (?<of>\d+) \| \d+ % \|(?: (?<word>[^|]*[^|\s]))? \|$/gm,
  )
  return [...rows].map(({ groups }) => ({
    path: groups?.path as string,
    found: Number(groups?.found),
    of: Number(groups?.of),
    word: groups?.word ?? '',
  }))
}

/** The row of docs/mutants.md; its percentage is rounded down. */
export function rowOf({ path, found, of, word }: MutantRow): string {
  const percentage = Math.floor((100 * found) / Math.max(of, 1))
  return `| \`${path}\` | ${found} / ${of} | ${percentage} % |${word && ` ${word}`} |`
}

/** A mutant that makes a test hang counts as found. */
export function isFound({ status }: Mutant): boolean {
  return status === 'Killed' || status === 'Timeout'
}
