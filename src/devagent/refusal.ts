/** Why a request isn't served, in Consul's words: thrown where it turns out, and answered in one place. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number

  constructor(status: number, words: string) {
    super(words)
    this.status = status
  }
}
