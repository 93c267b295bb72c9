/** A trouble that comes again and again: it is told when it begins, and when it is another one. */
export class Complaint {
  #told = ''

  /** Has it said, unless that was said last. */
  tell(sentence: string, say: (sentence: string) => void): void {
    if (sentence !== this.#told) say(sentence)
    this.#told = sentence
  }

  /** It is over: the next one is said, even if it is the same. */
  end(): void {
    this.#told = ''
  }
}
