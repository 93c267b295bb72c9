/** Whether a promise was kept; `not-told` when nobody can see that from outside. */
export interface Verdict {
  readonly kind: 'ok' | 'failed' | 'not-told'
  /** Why not, in a few words. */
  readonly why?: string
}

export const KEPT: Verdict = { kind: 'ok' }

export function broken(why: string): Verdict {
  return { kind: 'failed', why }
}

export function untold(why: string): Verdict {
  return { kind: 'not-told', why }
}

/** The first promise that was not kept, or can't be seen. */
export async function all(...looks: (() => Promise<Verdict> | Verdict)[]): Promise<Verdict> {
  for (const look of looks) {
    const verdict = await look()
    if (verdict.kind !== 'ok') return verdict
  }
  return KEPT
}
