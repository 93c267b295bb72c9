import type { RunCommandOptions } from '../syntax.ts'

/** What a run holds, and who may come after it, in words. */
export interface HeldThing {
  readonly name: string
  /** Whom it keeps out: `nobody else`. */
  readonly nobody: string
  /** Who may come: `somebody else`. */
  readonly somebody: string
  readonly next: string
}

/** What a run with these options holds. */
export function heldThing({ slots, shared }: Pick<RunCommandOptions, 'slots' | 'shared'>): HeldThing {
  const name = slots === undefined ? 'the lock' : 'the slot'
  if (shared) return { name, nobody: 'no writer', somebody: 'a writer', next: 'writer' }
  return { name, nobody: 'nobody else', somebody: 'somebody else', next: `next holder of ${name}` }
}
