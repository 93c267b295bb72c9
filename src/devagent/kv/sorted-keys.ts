/** A map whose keys can be walked in order below a prefix, without a look at the others. */
export class SortedKeys<V> {
  readonly #values = new Map<string, V>()
  readonly #keys: string[] = []

  get size(): number {
    return this.#keys.length
  }

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: V): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#slot(key), 0, key)
    this.#values.set(key, value)
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#slot(key), 1)
  }

  /** The values below `prefix`, in the order of their keys. */
  below(prefix: string): V[] {
    const found: V[] = []
    for (let slot = this.#slot(prefix); slot < this.#keys.length; slot++) {
      const key = this.#keys[slot] as string
      if (!key.startsWith(prefix)) break
      found.push(this.#values.get(key) as V)
    }
    return found
  }

  /** In the order of the keys. */
  entries(): (readonly [string, V])[] {
    return this.#keys.map((key) => [key, this.#values.get(key) as V])
  }

  copy(): SortedKeys<V> {
    const copy = new SortedKeys<V>()
    for (const [key, value] of this.#values) copy.#values.set(key, value)
    copy.#keys.push(...this.#keys)
    return copy
  }

  /** Where `key` stands, or would stand. */
  #slot(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#keys[middle] as string) < key) low = middle + 1
      else high = middle
    }
    return low
  }
}
