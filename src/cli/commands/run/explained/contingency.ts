/** What may happen, and what becomes of a run happens: sentences. */
export interface Contingency {
  readonly when: string
  readonly happens: string
}
