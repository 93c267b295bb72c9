/** What may happen to a run, as a clause, and what becomes of the run then, in sentences. */
export interface Contingency {
  readonly when: string
  readonly happens: string
}
