/** Who acts in our place should we be killed or stopped. */
export interface Guard {
  /** Aborts when nobody can be found to do it any more. */
  readonly failed: AbortSignal
  /** The session to destroy. */
  session(id: string): void
  /** The application may be master, for as long as this says, in milliseconds; `undefined`: it isn't. */
  master(leftMs: (() => number) | undefined): void
  /** The process group of the call under way. */
  calling(group: number | undefined): void
  /** Nothing is left to do. */
  dismiss(): void
}

/** What the guardian of an agent is told: `master:<session>` or `slave:<session>`, which is `none` before there is one. */
export interface Duty {
  readonly demotes: boolean
  readonly session: string | undefined
}

export function dutyWord({ demotes, session }: Duty): string {
  return `${demotes ? 'master' : 'slave'}:${session ?? 'none'}`
}

export function parseDutyWord(word: string): Duty {
  const [kind, id = 'none'] = word.split(':')
  return { demotes: kind === 'master', session: id === 'none' ? undefined : id }
}
